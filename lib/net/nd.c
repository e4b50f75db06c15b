// SPDX-License-Identifier: BSD-3-Clause

#include "lib/net/nd.h"

#include "lib/base/wire.h"

#define FLAG_SOLICITED 0x40
#define FLAG_OVERRIDE  0x20

#define OPTION_SOURCE_MAC 1
#define OPTION_TARGET_MAC 2

#define MLD_CHANGE_TO_EXCLUDE 4 // RFC 3810 §5.2.12
#define ROUTER_ALERT          5 // RFC 2711 §2.1

const struct ip_addr nd_all_nodes = {.bytes = {0xff, 0x02, [15] = 0x01}, .family = IP_V6};
const struct ip_addr mld_all_routers = {.bytes = {0xff, 0x02, [15] = 0x16}, .family = IP_V6};

// The link-layer address among the options, NULL for none. False where an option is malformed;
// those not known are skipped (RFC 4861 §4.6). The first of several counts.
static bool parse_options(struct view options, uint8_t wanted, const uint8_t **mac)
{
	*mac = NULL;
	while (options.len > 0) {
		size_t n_bytes;

		if (options.len < 8)
			return false;
		n_bytes = (size_t)options.at[1] * 8;
		if (n_bytes == 0 || n_bytes > options.len)
			return false;
		if (options.at[0] == wanted && *mac == NULL) {
			if (n_bytes != ND_OPTION_BYTES || ether_is_group(options.at + 2))
				return false;
			*mac = options.at + 2;
		}
		options = view_of(options.at + n_bytes, options.len - n_bytes);
	}
	return true;
}

static bool is_solicited_node(const struct ip_addr *ip)
{
	struct ip_addr group;

	ip_solicited_node(ip, &group);
	return ip_equal(ip, &group);
}

enum reason nd_parse(struct view message, const struct ip_header *ip, struct nd_message *out)
{
	const uint8_t *p = message.at;
	bool solicitation = p[0] == ICMP6_NEIGHBOUR_SOLICITATION;

	if (ip->hop_limit != ND_HOP_LIMIT || p[1] != 0 || message.len < ND_BYTES)
		return REASON_nd_malformed;
	out->type = p[0];
	out->target = (struct ip_addr){.family = IP_V6};
	memcpy(out->target.bytes, p + 8, 16);
	out->solicited = !solicitation && p[4] & FLAG_SOLICITED;
	out->override = !solicitation && p[4] & FLAG_OVERRIDE;
	if (!ip_is_host(&out->target) ||
		!parse_options(view_of(p + ND_BYTES, message.len - ND_BYTES),
			solicitation ? OPTION_SOURCE_MAC : OPTION_TARGET_MAC, &out->mac))
		return REASON_nd_malformed;
	if (solicitation && ip_is_unspecified(&ip->source))
		return out->mac == NULL && is_solicited_node(&ip->destination)
			? REASON_none
			: REASON_nd_malformed;
	if (!ip_is_host(&ip->source) || (out->solicited && ip_is_multicast(&ip->destination)))
		return REASON_nd_malformed;
	return REASON_none;
}

size_t nd_build(uint8_t *at, const struct nd_message *m, const struct ip_addr *source,
	const struct ip_addr *destination)
{
	size_t n_bytes = ND_BYTES;

	memset(at, 0, ND_BYTES);
	at[0] = m->type;
	at[4] = (uint8_t)((m->solicited ? FLAG_SOLICITED : 0) | (m->override ? FLAG_OVERRIDE : 0));
	memcpy(at + 8, m->target.bytes, 16);
	if (m->mac != NULL) {
		at[ND_BYTES] = m->type == ICMP6_NEIGHBOUR_SOLICITATION ? OPTION_SOURCE_MAC
								       : OPTION_TARGET_MAC;
		at[ND_BYTES + 1] = ND_OPTION_BYTES / 8;
		memcpy(at + ND_BYTES + 2, m->mac, ETHER_MAC_BYTES);
		n_bytes += ND_OPTION_BYTES;
	}
	icmp6_checksum_fill(at, n_bytes, source, destination);
	return n_bytes;
}

size_t mld_build(
	uint8_t *at, const struct ip_addr *source, const struct ip_addr groups[], unsigned n_groups)
{
	static const uint8_t alert[MLD_ALERT_BYTES] = {
		IP_PROTOCOL_ICMP6, 0, ROUTER_ALERT, 2, 0, 0, 1, 0};
	size_t n_bytes = MLD_REPORT_BYTES + (size_t)n_groups * MLD_RECORD_BYTES;
	uint8_t *report = at + MLD_ALERT_BYTES;

	memcpy(at, alert, sizeof(alert));
	memset(report, 0, n_bytes);
	report[0] = ICMP6_MLD2_REPORT;
	wire_put16(report + 6, (uint16_t)n_groups);
	for (unsigned i = 0; i < n_groups; i++) {
		uint8_t *record = report + MLD_REPORT_BYTES + (size_t)i * MLD_RECORD_BYTES;

		record[0] = MLD_CHANGE_TO_EXCLUDE;
		memcpy(record + 4, groups[i].bytes, 16);
	}
	icmp6_checksum_fill(report, n_bytes, source, &mld_all_routers);
	return MLD_ALERT_BYTES + n_bytes;
}
