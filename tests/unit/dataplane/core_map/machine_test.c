// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/core_map/machine.h"

#include "tests/unit/test.h"

#include <errno.h>
#include <ftw.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/fedrelay-machine-XXXXXX";
static struct machine machine;

static void write_file(const char *path, const char *text)
{
	char full[512];
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *slash = strchr(full + sizeof(root), '/'); slash != NULL;
		slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		assert_true(mkdir(full, 0700) == 0 || errno == EEXIST);
		*slash = '/';
	}
	f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void write_link(const char *path, const char *target)
{
	char full[512];

	snprintf(full, sizeof(full), "%s%s", root, path);
	assert_int_equal(symlink(target, full), 0);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int make_root(void **state)
{
	(void)state;
	strcpy(root + sizeof(root) - 7, "XXXXXX");
	return mkdtemp(root) != NULL ? 0 : -1;
}

static int remove_root(void **state)
{
	(void)state;
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void two_nodes_are_read_with_their_cores_pages_and_devices(void **state)
{
	(void)state;
	write_file("/sys/devices/system/cpu/online", "0-5,8,10-11\n");
	write_file("/sys/devices/system/node/online", "0-1\n");
	write_file("/sys/devices/system/node/node0/cpulist", "0-3\n");
	write_file("/sys/devices/system/node/node1/cpulist", "4-11\n");
	write_file("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "3\n");
	write_file("/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages", "2\n");
	write_file("/sys/bus/pci/devices/0000:81:00.1/class", "0x020000\n");
	write_file("/sys/bus/pci/devices/0000:81:00.1/numa_node", "1\n");
	write_link("/sys/bus/pci/devices/0000:81:00.1/driver", "../../drivers/vfio-pci");
	write_file("/sys/bus/pci/devices/0000:00:03.0/class", "0x020000\n");
	write_file("/sys/bus/pci/devices/0000:00:03.0/virtio1/net/ens3/mtu", "1500\n");
	write_link("/sys/bus/pci/devices/0000:00:03.0/driver", "../../drivers/virtio-pci");
	write_file("/sys/bus/pci/devices/0000:00:02.0/class", "0x030000\n");

	assert_int_equal(machine_read(root, &machine), 0);
	assert_int_equal(machine.n_cores, 9);
	assert_true(machine.core_usable[5] && machine.core_usable[8] && machine.core_usable[11]);
	assert_false(machine.core_usable[6] || machine.core_usable[9] || machine.core_usable[12]);
	assert_int_equal(machine.n_nodes, 2);
	assert_int_equal(machine.core_node[3], 0);
	assert_int_equal(machine.core_node[4], 1);
	assert_int_equal(machine.hugepage_bytes_free, (UINT64_C(2) << 30) + (6 << 20));
	assert_int_equal(machine.n_nics, 2);
	assert_string_equal(machine.nics[0].address, "0000:00:03.0");
	assert_string_equal(machine.nics[0].interface, "ens3");
	assert_int_equal(machine.nics[0].node, -1);
	assert_false(machine_nic_bound(&machine.nics[0]));
	assert_string_equal(machine.nics[1].address, "0000:81:00.1");
	assert_string_equal(machine.nics[1].driver, "vfio-pci");
	assert_int_equal(machine.nics[1].node, 1);
	assert_true(machine_nic_bound(&machine.nics[1]));
}

static void a_kernel_without_numa_has_one_node(void **state)
{
	(void)state;
	write_file("/sys/devices/system/cpu/online", "0\n");
	assert_int_equal(machine_read(root, &machine), 0);
	assert_int_equal(machine.n_cores, 1);
	assert_int_equal(machine.n_nodes, 1);
	assert_int_equal(machine.n_nics, 0);
	assert_int_equal(machine.hugepage_bytes_free, 0);
}

static void a_node_of_memory_alone_has_no_cores(void **state)
{
	(void)state;
	write_file("/sys/devices/system/cpu/online", "0-1\n");
	write_file("/sys/devices/system/node/online", "0,2\n");
	write_file("/sys/devices/system/node/node0/cpulist", "0-1\n");
	write_file("/sys/devices/system/node/node2/cpulist", "\n");
	assert_int_equal(machine_read(root, &machine), 0);
	assert_int_equal(machine.n_nodes, 3);
	assert_int_equal(machine.core_node[1], 0);
}

static void a_malformed_core_list_is_refused(void **state)
{
	static const char *const lists[] = {"x", "0-", "0,,1", "3-1", "0-1024", "0 1", ",0"};

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		write_file("/sys/devices/system/cpu/online", lists[i]);
		assert_true(machine_read(root, &machine) < 0);
	}
}

static void a_missing_core_list_is_refused(void **state)
{
	(void)state;
	assert_int_equal(machine_read(root, &machine), -ENOENT);
}

// The one place where libnuma is asked: it must agree with what this process can run on.
static void the_real_machine_has_the_core_that_we_run_on(void **state)
{
	int core = sched_getcpu();

	(void)state;
	assert_int_equal(machine_read("", &machine), 0);
	assert_true(machine.n_cores >= 1);
	assert_true(core >= 0 && machine.core_usable[core]);
	assert_true(machine.core_node[core] < (int)machine.n_nodes);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(two_nodes_are_read_with_their_cores_pages_and_devices),
		CASE(a_kernel_without_numa_has_one_node),
		CASE(a_node_of_memory_alone_has_no_cores),
		CASE(a_malformed_core_list_is_refused),
		CASE(a_missing_core_list_is_refused),
		cmocka_unit_test(the_real_machine_has_the_core_that_we_run_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
