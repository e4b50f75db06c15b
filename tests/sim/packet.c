// SPDX-License-Identifier: BSD-3-Clause

#include "tests/sim/packet.h"

#include "lib/base/wire.h"
#include "lib/net/tcp.h"

#define SEQ_AT        4
#define FLAGS_AT      13
#define FLAGS_OF_LAST (TCP_FIN | TCP_PSH)

unsigned packet_segments(const struct tcp_packet *p)
{
	if (p->payload_bytes <= p->segment_bytes || p->segment_bytes == 0)
		return 1;
	return (p->payload_bytes + p->segment_bytes - 1) / p->segment_bytes;
}

// Copies n_bytes of the payload from an offset on.
static void gather(uint8_t *at, const struct tcp_packet *p, uint32_t offset, uint32_t n_bytes)
{
	for (unsigned i = 0; i < p->n_parts && n_bytes > 0; i++) {
		uint32_t len = (uint32_t)p->parts[i].len, n;

		if (offset >= len) {
			offset -= len;
			continue;
		}
		n = len - offset < n_bytes ? len - offset : n_bytes;
		memcpy(at, p->parts[i].at + offset, n);
		at += n;
		n_bytes -= n;
		offset = 0;
	}
}

// The headers before, and the checksum in, a TCP segment that is already written at tcp.
static size_t finish(uint8_t *at, const struct ip_addr *source, const struct ip_addr *destination,
	uint8_t *tcp, uint32_t n_bytes)
{
	struct ip_header h = {
		.source = *source,
		.destination = *destination,
		.payload_bytes = (uint16_t)n_bytes,
		.protocol = IP_PROTOCOL_TCP,
		.hop_limit = IP_HOP_LIMIT,
		.dont_fragment = true,
	};

	tcp_checksum_fill(tcp, n_bytes, source, destination);
	return ip_build(at, &h) + n_bytes;
}

size_t packet_build(uint8_t *at, const struct tcp_packet *p, unsigned i)
{
	uint8_t *tcp = at + ip_header_bytes(p->local.family);
	unsigned n = packet_segments(p);
	uint32_t offset = i * p->segment_bytes, n_payload = p->payload_bytes - offset;

	if (i + 1 < n)
		n_payload = p->segment_bytes;
	memcpy(tcp, p->header, p->header_bytes);
	wire_put32(tcp + SEQ_AT, wire_get32(tcp + SEQ_AT) + offset);
	if (i + 1 < n)
		tcp[FLAGS_AT] &= (uint8_t)~FLAGS_OF_LAST;
	gather(tcp + p->header_bytes, p, offset, n_payload);
	return finish(at, &p->local, &p->remote, tcp, p->header_bytes + n_payload);
}

size_t packet_build_uncut(uint8_t *at, const struct tcp_packet *p)
{
	uint8_t *tcp = at + ip_header_bytes(p->local.family);
	struct ip_header h = {
		.source = p->local,
		.destination = p->remote,
		.payload_bytes = (uint16_t)(p->header_bytes + p->payload_bytes),
		.protocol = IP_PROTOCOL_TCP,
		.hop_limit = IP_HOP_LIMIT,
		.dont_fragment = true,
	};
	size_t n_bytes = ip_build(at, &h);

	memcpy(tcp, p->header, p->header_bytes);
	tcp_checksum_begin(tcp, p->payload_bytes > p->segment_bytes ? 0 : h.payload_bytes,
		&p->local, &p->remote);
	gather(tcp + p->header_bytes, p, 0, p->payload_bytes);
	return n_bytes + p->header_bytes + p->payload_bytes;
}

size_t packet_of_segment(uint8_t *at, const struct tcp_segment *s)
{
	uint8_t *tcp = at + ip_header_bytes(s->local.ip.family);
	size_t n_bytes = tcp_segment_build(tcp, s);

	if (s->payload.len > 0)
		memcpy(tcp + n_bytes, s->payload.at, s->payload.len);
	return finish(at, &s->local.ip, &s->remote.ip, tcp, (uint32_t)(n_bytes + s->payload.len));
}

// The IP header, and the segment behind it.
static enum reason parse_ip(struct view packet, struct ip_header *h, struct view *segment)
{
	enum reason reason;

	if (packet.len == 0)
		return REASON_ip_malformed;
	reason = packet.at[0] >> 4 == 4 ? ipv4_parse(packet, h) : ipv6_parse(packet, h);
	if (reason != REASON_none)
		return reason;
	if (h->protocol != IP_PROTOCOL_TCP || ip_is_fragment(h))
		return REASON_ip_protocol_unknown;
	*segment = view_of(packet.at + h->n_bytes, h->payload_bytes);
	return segment->len < TCP_BYTES ? REASON_tcp_malformed : REASON_none;
}

static enum reason parse_tcp(
	struct view segment, const struct ip_header *h, struct tcp_segment *out)
{
	enum reason reason = tcp_segment_parse(segment, out);

	out->local.ip = h->destination;
	out->remote.ip = h->source;
	return reason;
}

enum reason packet_parse(struct view packet, struct tcp_segment *out)
{
	struct ip_header h;
	struct view segment;
	enum reason reason = parse_ip(packet, &h, &segment);

	if (reason != REASON_none)
		return reason;
	if (h.source.family == IP_V4 && !ipv4_checksum_holds(packet.at))
		return REASON_ip_checksum;
	return tcp_checksum_holds(segment, &h) ? parse_tcp(segment, &h, out) : REASON_tcp_checksum;
}

enum reason packet_parse_checked(struct view packet, struct tcp_segment *out)
{
	struct ip_header h;
	struct view segment;
	enum reason reason = parse_ip(packet, &h, &segment);

	return reason != REASON_none ? reason : parse_tcp(segment, &h, out);
}
