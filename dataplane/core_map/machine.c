// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/core_map/machine.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <numa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// First line of a sysfs file, empty on failure. 0 or -errno.
static int read_line(const char *root, const char *path, char line[4096])
{
	char full[PATH_MAX];
	FILE *f;
	int r = 0;

	line[0] = '\0';
	snprintf(full, sizeof(full), "%s%s", root, path);
	f = fopen(full, "re");
	if (f == NULL)
		return -errno;
	if (fgets(line, 4096, f) == NULL)
		r = -EIO;
	fclose(f);
	if (r == 0)
		line[strcspn(line, "\n")] = '\0';
	return r;
}

// The kernel's list format: "0-3,8,10-11".
static int parse_list(const char *text, bool marked[MACHINE_CORES_MAX])
{
	while (*text != '\0') {
		char *end;
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (end == text)
			return -EINVAL;
		if (*end == '-') {
			text = end + 1;
			last = strtoul(text, &end, 10);
			if (end == text)
				return -EINVAL;
		}
		if (last < first || last >= MACHINE_CORES_MAX)
			return -ERANGE;
		for (unsigned long i = first; i <= last; i++)
			marked[i] = true;
		if (*end != ',' && *end != '\0')
			return -EINVAL;
		text = *end == ',' ? end + 1 : end;
	}
	return 0;
}

static int read_cores(const char *root, struct machine *m)
{
	char line[4096];
	int r = read_line(root, "/sys/devices/system/cpu/online", line);

	return r < 0 ? r : parse_list(line, m->core_usable);
}

// A kernel without NUMA has no node folder: one node then.
static int read_nodes(const char *root, struct machine *m)
{
	bool online[MACHINE_CORES_MAX] = {false};
	char line[4096], path[96];
	int r = read_line(root, "/sys/devices/system/node/online", line);

	m->n_nodes = 1;
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = parse_list(line, online);
	for (int node = 0; node < MACHINE_CORES_MAX && r == 0; node++) {
		bool cores[MACHINE_CORES_MAX] = {false};

		if (!online[node])
			continue;
		m->n_nodes = (unsigned)node + 1;
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpulist", node);
		// A node of memory alone has an empty list, hence a line without digits.
		if (read_line(root, path, line) == 0)
			r = parse_list(line, cores);
		for (unsigned i = 0; i < MACHINE_CORES_MAX; i++) {
			if (cores[i])
				m->core_node[i] = node;
		}
	}
	return r;
}

static void ask_libnuma(struct machine *m)
{
	if (numa_available() < 0)
		return;
	for (int i = 0; i < MACHINE_CORES_MAX; i++) {
		if (!m->core_usable[i])
			continue;
		m->core_usable[i] = numa_bitmask_isbitset(numa_all_cpus_ptr, (unsigned)i) != 0;
		if (numa_node_of_cpu(i) >= 0)
			m->core_node[i] = numa_node_of_cpu(i);
	}
}

static void read_hugepages(const char *root, struct machine *m)
{
	static const unsigned kilobytes[] = {2048, 1 << 20};
	char path[96], line[4096];

	for (unsigned i = 0; i < 2; i++) {
		snprintf(path, sizeof(path),
			"/sys/kernel/mm/hugepages/hugepages-%ukB/free_hugepages", kilobytes[i]);
		if (read_line(root, path, line) == 0)
			m->hugepage_bytes_free +=
				strtoull(line, NULL, 10) * kilobytes[i] * UINT64_C(1024);
	}
}

// Last component of what a link in the device's folder points to.
static void read_driver(const char *root, struct machine_nic *nic)
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *name;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/%s/driver", root, nic->address);
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return;
	target[n] = '\0';
	name = strrchr(target, '/');
	snprintf(nic->driver, sizeof(nic->driver), "%.31s", name != NULL ? name + 1 : target);
}

static void read_interface(const char *root, struct machine_nic *nic)
{
	char pattern[PATH_MAX];
	const char *name;
	glob_t found;

	// virtio hides the interface one folder deeper.
	snprintf(pattern, sizeof(pattern), "%s/sys/bus/pci/devices/%s/{,virtio*/}net/*", root,
		nic->address);
	if (glob(pattern, GLOB_BRACE, NULL, &found) != 0)
		return;
	name = strrchr(found.gl_pathv[0], '/');
	snprintf(nic->interface, sizeof(nic->interface), "%.15s", name + 1);
	globfree(&found);
}

static int compare_nics(const void *a, const void *b)
{
	return strcmp(
		((const struct machine_nic *)a)->address, ((const struct machine_nic *)b)->address);
}

static void read_nics(const char *root, struct machine *m)
{
	char path[PATH_MAX], line[4096];
	const struct dirent *entry;
	DIR *folder;

	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices", root);
	folder = opendir(path);
	if (folder == NULL)
		return;
	while ((entry = readdir(folder)) != NULL && m->n_nics < MACHINE_NICS_MAX) {
		struct machine_nic *nic = &m->nics[m->n_nics];

		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.32s/class", entry->d_name);
		// PCI class 02: network controller.
		if (read_line(root, path, line) < 0 || strncmp(line, "0x02", 4) != 0)
			continue;
		snprintf(nic->address, sizeof(nic->address), "%.15s", entry->d_name);
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.15s/numa_node", nic->address);
		nic->node = read_line(root, path, line) == 0 ? (int)strtol(line, NULL, 10) : -1;
		read_driver(root, nic);
		read_interface(root, nic);
		m->n_nics++;
	}
	closedir(folder);
	qsort(m->nics, m->n_nics, sizeof(m->nics[0]), compare_nics);
}

int machine_read(const char *root, struct machine *m)
{
	int r;

	memset(m, 0, sizeof(*m));
	r = read_cores(root, m);
	if (r == 0)
		r = read_nodes(root, m);
	if (r < 0)
		return r;
	if (root[0] == '\0')
		ask_libnuma(m);
	for (unsigned i = 0; i < MACHINE_CORES_MAX; i++)
		m->n_cores += m->core_usable[i];
	read_hugepages(root, m);
	read_nics(root, m);
	return m->n_cores > 0 ? 0 : -ENODEV;
}

bool machine_nic_bound(const struct machine_nic *nic)
{
	// mlx4, mlx5 and mana leave the kernel its driver and work beside it.
	static const char *const drivers[] = {
		"vfio-pci", "uio_pci_generic", "igb_uio", "mlx4_core", "mlx5_core", "mana"};

	for (unsigned i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		if (strcmp(nic->driver, drivers[i]) == 0)
			return true;
	}
	return false;
}
