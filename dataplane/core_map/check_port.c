// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/core_map/draft.h"

#include <ctype.h>

static bool same_network(
	const struct core_map_address *a, const struct ip_addr *ip, unsigned prefix_bits)
{
	struct ip_prefix prefix = {.ip = a->ip, .bits = (uint8_t)prefix_bits};

	return ip_prefix_covers(&prefix, ip);
}

static unsigned common_bits(const struct core_map_address *a, const struct core_map_address *b)
{
	return a->prefix_bits < b->prefix_bits ? a->prefix_bits : b->prefix_bits;
}

static bool is_link_local6(const struct ip_addr *ip)
{
	return ip->family == IP_V6 && ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

// NULL for an address that a host may have; otherwise what it is.
static const char *unusable(const struct ip_addr *ip)
{
	static const uint8_t zeros[16], loopback6[16] = {[15] = 1};

	if (memcmp(ip->bytes, zeros, sizeof(zeros)) == 0)
		return "the unspecified address";
	if (ip->family == IP_V6) {
		if (memcmp(ip->bytes, loopback6, sizeof(loopback6)) == 0)
			return "a loopback address";
		return ip->bytes[0] == 0xff ? "a multicast address" : NULL;
	}
	if (ip->bytes[0] == 127)
		return "a loopback address";
	if (ip->bytes[0] >= 224)
		return ip->bytes[0] < 240 ? "a multicast address" : "a reserved address";
	return ip->bytes[0] == 0 ? "of this network, 0.0.0.0/8" : NULL;
}

// An IPv4 network's own address, or its broadcast address (RFC 1122 §3.2.1.3).
static bool is_network_or_broadcast(const struct core_map_address *a)
{
	uint32_t host = 0, mask;

	if (a->ip.family != IP_V4 || a->prefix_bits >= 31)
		return false;
	for (unsigned i = 0; i < 4; i++)
		host = host << 8 | a->ip.bytes[i];
	mask = UINT32_MAX >> a->prefix_bits;
	return (host & mask) == 0 || (host & mask) == mask;
}

static void check_address(struct draft *d, unsigned p, unsigned i)
{
	const struct core_map_address *a = &d->map->ports[p].addresses[i];
	const char *what = unusable(&a->ip);
	unsigned line = d->address_line[p][i];
	char text[IP_TEXT_BYTES];

	ip_format(&a->ip, text);
	if (what != NULL)
		errors_add(d->errors, line, "%s is %s; expected a host's own address", text, what);
	else if (is_network_or_broadcast(a))
		errors_add(d->errors, line,
			"%s is the network or broadcast address of its /%u; expected a host's",
			text, a->prefix_bits);
	for (unsigned q = 0; q <= p; q++) {
		const struct core_map_port *other = &d->map->ports[q];
		unsigned n = q == p ? i : other->n_addresses;

		for (unsigned j = 0; j < n; j++) {
			const struct core_map_address *b = &other->addresses[j];

			if (ip_equal(&a->ip, &b->ip)) {
				errors_add(d->errors, line, "%s is an address already on line %u",
					text, d->address_line[q][j]);
			} else if (q != p && same_network(a, &b->ip, common_bits(a, b)) &&
				!is_link_local6(&a->ip)) {
				errors_add(d->errors, line,
					"%s/%u overlaps a network of port %s, line %u; expected "
					"each network on one port",
					text, a->prefix_bits, other->name, d->address_line[q][j]);
			}
		}
	}
}

static void check_gateway(struct draft *d, const struct core_map_port *port,
	const struct ip_addr *gateway, unsigned line)
{
	const char *name = gateway->family == IP_V4 ? "gateway" : "gateway6";
	const char *what = unusable(gateway);
	bool covered = is_link_local6(gateway);
	char text[IP_TEXT_BYTES];

	if (gateway->family == IP_NONE)
		return;
	ip_format(gateway, text);
	for (unsigned i = 0; i < port->n_addresses; i++) {
		const struct core_map_address *a = &port->addresses[i];

		if (ip_equal(&a->ip, gateway))
			what = "the port's own address";
		covered = covered || same_network(a, gateway, a->prefix_bits);
	}
	if (what != NULL)
		errors_add(
			d->errors, line, "%s: %s is %s; expected the router's", name, text, what);
	else if (!covered)
		errors_add(d->errors, line,
			"%s: %s is in no prefix of port %s; expected an address on its link", name,
			text, port->name);
}

bool draft_is_name(const char *s)
{
	for (; *s != '\0'; s++) {
		if (!isalnum((unsigned char)*s) && *s != '-' && *s != '_' && *s != '.')
			return false;
	}
	return true;
}

static bool is_pci_address(const char *s)
{
	// d: a hexadecimal digit, o: an octal one
	static const char form[] = "dddd:dd:dd.o";

	for (const char *f = form; *f != '\0'; f++, s++) {
		bool ok = *f == 'd' ? isxdigit((unsigned char)*s) != 0
				    : (*f == 'o' ? *s >= '0' && *s <= '7' : *s == *f);

		if (!ok)
			return false;
	}
	return *s == '\0';
}

const struct machine_nic *draft_find_nic(const struct machine *m, const char *address)
{
	for (unsigned i = 0; i < m->n_nics; i++) {
		if (strcasecmp(m->nics[i].address, address) == 0)
			return &m->nics[i];
	}
	return NULL;
}

static void check_device(struct draft *d, const struct core_map_port *port)
{
	const struct machine_nic *nic;

	if (strncmp(port->device, "net_", 4) == 0)
		return;
	if (!is_pci_address(port->device)) {
		errors_add(d->errors, port->line,
			"device: %s is not right; expected a PCI address such as 0000:3b:00.0, or "
			"a "
			"DPDK vdev such as net_tap0,iface=fed0",
			port->device);
		return;
	}
	nic = draft_find_nic(d->machine, port->device);
	if (nic == NULL)
		errors_add(d->errors, port->line,
			"device: there is no network device at %s; `fedctl core-map suggest` lists "
			"them",
			port->device);
	else if (!machine_nic_bound(nic))
		errors_add(d->errors, port->line,
			"device: %s has driver %s, which DPDK cannot use; bind it to vfio-pci "
			"(dpdk-devbind.py)",
			port->device, nic->driver[0] != '\0' ? nic->driver : "(none)");
}

// Devices are equal up to the vdev's arguments.
static bool same_device(const char *a, const char *b)
{
	size_t n = strcspn(a, ",");

	return n == strcspn(b, ",") && strncasecmp(a, b, n) == 0;
}

void draft_check_port(struct draft *d, unsigned p)
{
	const struct core_map_port *port = &d->map->ports[p];

	if (!draft_is_name(port->name))
		errors_add(d->errors, port->line,
			"name: %s is not right; expected letters, digits, '-', '_' and '.'",
			port->name);
	if ((port->n_descriptors & (port->n_descriptors - 1)) != 0)
		errors_add(d->errors, port->line,
			"descriptors: %u is not right; expected a power of two",
			port->n_descriptors);
	check_device(d, port);
	for (unsigned q = 0; q < p; q++) {
		if (strcmp(port->name, d->map->ports[q].name) == 0)
			errors_add(d->errors, port->line, "port %s is there already, line %u",
				port->name, d->map->ports[q].line);
		if (same_device(port->device, d->map->ports[q].device))
			errors_add(d->errors, port->line, "device %s is port %s already, line %u",
				port->device, d->map->ports[q].name, d->map->ports[q].line);
	}
	for (unsigned i = 0; i < port->n_addresses; i++)
		check_address(d, p, i);
	check_gateway(d, port, &port->gateway4, d->gateway4_line[p]);
	check_gateway(d, port, &port->gateway6, d->gateway6_line[p]);
}
