// SPDX-License-Identifier: BSD-3-Clause
// Neighbour discovery (RFC 4861): solicitations and advertisements; and the listener report
// (RFC 3810) without which a switch that snoops keeps solicitations from us. Pure.

#pragma once

#include "lib/net/ether.h"
#include "lib/net/icmp.h"

#define ND_BYTES         24 // without options
#define ND_OPTION_BYTES  8  // a link-layer address option
#define ND_HOP_LIMIT     255
#define MLD_REPORT_BYTES 8 // and MLD_RECORD_BYTES for each group
#define MLD_RECORD_BYTES 20
#define MLD_ALERT_BYTES  8 // the hop-by-hop header with Router Alert before it (RFC 2711)

struct nd_message {
	uint8_t type; // ICMP6_NEIGHBOUR_SOLICITATION or _ADVERTISEMENT
	struct ip_addr target;
	const uint8_t *mac; // the link-layer address option; NULL for none
	// advertisements
	bool solicited, override;
};

// message: what icmp_check() took, of one of the two types. All of RFC 4861 §7.1.1 or §7.1.2.
// REASON_none or nd_malformed. out->mac lies in message.
enum reason nd_parse(struct view message, const struct ip_header *ip, struct nd_message *out);

// Writes ND_BYTES, and ND_OPTION_BYTES where mac is not NULL, with the checksum between these
// addresses; returns how many.
size_t nd_build(uint8_t *at, const struct nd_message *m, const struct ip_addr *source,
	const struct ip_addr *destination);

// A version 2 report that these groups are listened to, with every source (RFC 3810 §5.2), from
// source to ff02::16, as the payload of IPv6 with the hop-by-hop header in front. Returns how many
// bytes: MLD_ALERT_BYTES + MLD_REPORT_BYTES + n × MLD_RECORD_BYTES.
size_t mld_build(uint8_t *at, const struct ip_addr *source, const struct ip_addr groups[],
	unsigned n_groups);

extern const struct ip_addr nd_all_nodes;    // ff02::1
extern const struct ip_addr mld_all_routers; // ff02::16
