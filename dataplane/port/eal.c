// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/port/port.h"

#include <errno.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <stdlib.h>
#include <unistd.h>

#define ARGUMENTS_MAX      (16 + CORE_MAP_PORTS_MAX)
#define ARGUMENT_BYTES_MAX 1024

struct arguments {
	int n;
	char *at[ARGUMENTS_MAX + 1];
	char text[ARGUMENTS_MAX][ARGUMENT_BYTES_MAX];
};

__attribute__((format(printf, 2, 3))) static void add(struct arguments *a, const char *format, ...)
{
	va_list values;

	if (a->n == ARGUMENTS_MAX)
		return;
	va_start(values, format);
	vsnprintf(a->text[a->n], ARGUMENT_BYTES_MAX, format, values);
	va_end(values);
	a->at[a->n] = a->text[a->n];
	a->n++;
}

// lcore 0 is main's, lcore w + 1 worker w's; two lcores may lie on one core.
static void add_lcores(struct arguments *a, const struct core_map *map)
{
	char text[ARGUMENT_BYTES_MAX];
	size_t n = (size_t)snprintf(text, sizeof(text), "--lcores=0@%u", map->main_core);

	for (unsigned w = 0; w < map->n_workers && n < sizeof(text); w++)
		n += (size_t)snprintf(
			text + n, sizeof(text) - n, ",%u@%u", w + 1, map->workers[w].core);
	add(a, "%s", text);
}

static void add_memory(struct arguments *a, const struct core_map *map)
{
	if (map->use_hugepages) {
		add(a, "--in-memory");
		return;
	}
	add(a, "--no-huge");
	add(a, "--no-shconf");
	add(a, "-m");
	add(a, "%u", (unsigned)(core_map_memory_bytes(map) >> 20) + 1);
}

static void add_devices(struct arguments *a, const struct core_map *map)
{
	bool pci = false;

	for (unsigned p = 0; p < map->n_ports; p++) {
		const char *device = map->ports[p].device;
		bool is_vdev = strncmp(device, "net_", 4) == 0;

		add(a, is_vdev ? "--vdev=%s" : "--allow=%s", device);
		pci = pci || !is_vdev;
	}
	if (!pci)
		add(a, "--no-pci");
}

static ssize_t write_log(void *cookie, const char *text, size_t n_bytes)
{
	(void)cookie;
	fprintf(stderr, "dpdk: %.*s%s", (int)n_bytes, text,
		n_bytes > 0 && text[n_bytes - 1] == '\n' ? "" : "\n");
	return (ssize_t)n_bytes;
}

// EAL keeps pointers into them until its end. Main thread.
static struct arguments *arguments;

int eal_start(const struct core_map *map, char error[CORE_MAP_ERROR_BYTES])
{
	static const cookie_io_functions_t functions = {.write = write_log};
	struct arguments *a = calloc(1, sizeof(*a));
	FILE *log = fopencookie(NULL, "w", functions);
	int r;

	if (a == NULL || log == NULL) {
		free(a);
		snprintf(error, CORE_MAP_ERROR_BYTES, "no memory to start EAL");
		return -ENOMEM;
	}
	setlinebuf(log);
	rte_openlog_stream(log);
	add(a, "fedrelay-dataplane");
	add_lcores(a, map);
	add(a, "--main-lcore=0");
	add(a, "--file-prefix=fedrelay-%d", (int)getpid());
	add(a, "--no-telemetry");
	add(a, "--log-level=*:warning");
	add_memory(a, map);
	add_devices(a, map);
	arguments = a;
	r = rte_eal_init(a->n, a->at);
	if (r < 0) {
		r = rte_errno > 0 ? -rte_errno : -EIO;
		snprintf(error, CORE_MAP_ERROR_BYTES,
			"EAL does not start (%s); its own lines above say why", strerror(-r));
		return r;
	}
	// A folder for files that are shared with other processes: none are, and it is empty.
	rmdir(rte_eal_get_runtime_dir());
	return 0;
}

void eal_stop(void)
{
	rte_eal_cleanup();
	free(arguments);
	arguments = NULL;
}
