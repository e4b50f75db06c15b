// SPDX-License-Identifier: BSD-3-Clause

#include "tests/load/options_state.h"

#define PORT_DEFAULT     5060
#define TLS_PORT_DEFAULT 5061

static uint16_t port_of(enum transport transport)
{
	return transport == TRANSPORT_TLS ? TLS_PORT_DEFAULT : PORT_DEFAULT;
}

static void check_domain(struct options_reader *r, const char *name, const char *domain)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-.";

	if (domain == NULL)
		errors_add(r->errors, 0, "--%s is missing", name);
	else if (domain[0] == '\0' || strlen(domain) > REQUEST_DOMAIN_MAX ||
		domain[strspn(domain, letters)] != '\0')
		errors_add(r->errors, 0, "--%s: %s is no domain name", name, domain);
}

static void check_secure(struct options_reader *r)
{
	struct options *out = r->out;
	struct identities_config *identities = &out->identities;

	if (identities->folder == NULL)
		errors_add(r->errors, 0, "--certificates is missing, which --transport tls needs");
	if (identities->n_partners == 0)
		identities->n_partners = 1;
	identities->domain = out->calls ? out->load.from_domain : out->load.to_domain;
	if (!out->calls)
		check_domain(r, "to-domain", out->load.to_domain);
	else if (out->load.peer_name == NULL)
		out->load.peer_name = out->load.to_domain;
	if (out->load.n_domains > 1)
		errors_add(r->errors, 0,
			"--domains: over TLS each partner has its own; expected --partners");
	if (out->map.n_conns != 0 && out->map.n_conns < identities->n_partners && out->calls)
		errors_add(r->errors, 0, "--connections: a partner needs one at least");
}

static void check_caller(struct options_reader *r)
{
	struct options *out = r->out;
	bool six = out->map.address != NULL && strchr(out->map.address, ':') != NULL;
	struct endpoint *target = &out->load.target;

	check_domain(r, "from-domain", out->load.from_domain);
	check_domain(r, "to-domain", out->load.to_domain);
	if (r->target == NULL)
		errors_add(r->errors, 0, "--target is missing");
	else if (endpoint_parse(view_string(r->target), port_of(out->map.transport),
			 out->map.transport, target) < 0)
		errors_add(r->errors, 0,
			"--target: %s is not right; expected ADDRESS, ADDRESS:PORT or [V6]:PORT",
			r->target);
	else if ((target->ip.family == IP_V6) != six)
		errors_add(r->errors, 0, "--target and --address are of different families");
	out->load.n_conns = out->map.n_conns;
}

void options_check(struct options_reader *r)
{
	struct load_map_config *map = &r->out->map;

	if (map->transport == TRANSPORT_TLS)
		check_secure(r);
	else if (r->out->identities.folder != NULL || r->out->identities.n_partners != 0)
		errors_add(r->errors, 0, "--certificates and --partners are for --transport tls");
	if (map->n_conns == 0)
		map->n_conns =
			r->out->identities.n_partners != 0 ? r->out->identities.n_partners : 1;
	if (map->port == 0)
		map->port = port_of(map->transport);
	if (r->out->calls == r->is_callee)
		errors_add(r->errors, 0, "expected one of --caller and --callee");
	if (map->device == NULL)
		errors_add(r->errors, 0, "--device is missing");
	if (map->address == NULL)
		errors_add(r->errors, 0, "--address is missing");
	if (map->transport == TRANSPORT_UDP && map->n_conns > LOAD_UDP_PORTS_MAX)
		errors_add(r->errors, 0, "--connections: over UDP at most %u", LOAD_UDP_PORTS_MAX);
	if (map->transport == TRANSPORT_UDP && map->port + map->n_conns > 65536)
		errors_add(r->errors, 0, "--port and --connections: there is no port over 65535");
	if (r->out->calls)
		check_caller(r);
	else if (r->out->find_max)
		errors_add(r->errors, 0, "--find-max is for a caller");
}
