// SPDX-License-Identifier: BSD-3-Clause
// The core map of one port, by way of its text: so what the command line says is judged by the
// product's own checks.

#include "dataplane/core_map/machine.h"
#include "tests/load/load.h"

#include <errno.h>
#include <stdlib.h>

#define TEXT_BYTES_MAX 16384
#define CONNS_SPARE    64 // that a peer opens to us, such as for a response (RFC 3261 §18.2.2)
#define CONNS_MIN      4096
#define MTU_DEFAULT    1500

// In double quotes: nothing that YAML would read otherwise.
static bool is_plain(const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s < ' ' || *s > '~' || *s == '"' || *s == '\\')
			return false;
	}
	return true;
}

static void write_listeners(
	const struct load_map_config *c, const char *transport, unsigned n, FILE *f)
{
	int n_address = (int)strcspn(c->address, "/");

	fprintf(f, "listeners:\n");
	for (unsigned i = 0; i < n; i++)
		fprintf(f, "  - {name: l%u, port: p, address: \"%.*s\", %s: %u, side: outside}\n",
			i, n_address, c->address, transport, c->port + i);
}

static void write_map(const struct load_map_config *c, FILE *f)
{
	bool tcp = transport_is_stream(c->transport), six = strchr(c->address, ':') != NULL;
	uint32_t n_conns = c->n_conns + CONNS_SPARE;

	fprintf(f, "main_core: %u\nidle: sleep\nhugepages: auto\ncontrol: {user: nobody}\n",
		c->core);
	if (tcp || c->n_packets > 0) {
		fprintf(f, "memory:\n");
		if (c->n_packets > 0)
			fprintf(f, "  packets: %u\n", c->n_packets);
		if (tcp)
			fprintf(f, "  connections: %u\n  buffers: %u\n",
				n_conns > CONNS_MIN ? n_conns : CONNS_MIN, 16384 + n_conns);
	}
	fprintf(f, "ports:\n  - name: p\n    device: \"%s\"\n    addresses: [\"%s\"]\n", c->device,
		c->address);
	fprintf(f, "    mtu: %u\n", c->mtu != 0 ? c->mtu : MTU_DEFAULT);
	if (c->vlan != 0)
		fprintf(f, "    vlan: %u\n", c->vlan);
	if (c->gateway != NULL)
		fprintf(f, "    gateway%s: \"%s\"\n", six ? "6" : "", c->gateway);
	fprintf(f, "workers: [{core: %u}]\n", c->core);
	write_listeners(c, transport_name(c->transport), tcp ? 1 : c->n_conns, f);
}

int load_map(const struct load_map_config *config, struct core_map *out, struct errors *errors)
{
	struct errors warnings;
	struct machine *machine = calloc(1, sizeof(*machine));
	char *text = calloc(1, TEXT_BYTES_MAX);
	FILE *f = text != NULL ? fmemopen(text, TEXT_BYTES_MAX, "w") : NULL;
	int r = -ENOMEM;

	errors_init(&warnings, errors->file_name);
	if (machine != NULL && f != NULL) {
		r = is_plain(config->device) && is_plain(config->address) &&
				(config->gateway == NULL || is_plain(config->gateway))
			? 0
			: -EINVAL;
		if (r < 0)
			errors_add(errors, 0,
				"device, address and gateway are plain text without quotes");
		else
			write_map(config, f);
	}
	if (f != NULL)
		fclose(f);
	if (r == 0)
		r = machine_read("", machine);
	if (r == 0)
		r = core_map_parse(view_string(text), machine, out, errors, &warnings);
	free(machine);
	free(text);
	return r;
}
