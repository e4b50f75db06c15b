// SPDX-License-Identifier: BSD-3-Clause

#include "tests/script/watch.h"

#include <stdio.h>

// Below it an MSS is not believed, and how much is sent instead is the engine's own business.
#define MSS_BELIEVED 256

static bool after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

static uint32_t length_of(const struct wire *wire)
{
	return wire->payload_bytes + ((wire->flags & WIRE_SYN) != 0) +
		((wire->flags & WIRE_FIN) != 0);
}

static void negotiate(struct peer *p)
{
	p->ts_on = p->ts_sent && p->engine_ts_seen;
}

void watch_input(struct peer *p, const struct wire *wire)
{
	uint32_t end = wire->seq + length_of(wire);
	bool syn = (wire->flags & WIRE_SYN) != 0;
	uint32_t window = (uint32_t)wire->window << (syn || !p->scale_on ? 0 : p->window_scale);

	if (syn && (wire->seq == p->isn || !p->engine_isn_known)) {
		p->mss = wire->has_mss ? wire->mss : 0;
		p->ts_sent = wire->has_timestamps;
		p->sack_sent = wire->sack_permitted;
		p->scale_sent = wire->has_window_scale;
		p->window_scale = wire->window_scale > 14 ? 14 : wire->window_scale;
		negotiate(p);
	}
	if (after(end, p->sent_end))
		p->sent_end = end;
	if ((wire->flags & WIRE_FIN) != 0) {
		p->has_fin = true;
		p->fin_end = end;
	}
	if ((wire->flags & WIRE_ACK) != 0 && p->engine_isn_known &&
		after(wire->ack + window, p->window_end))
		p->window_end = wire->ack + window;
}

static void watch_syn(struct world *w, struct peer *p, const struct wire *wire)
{
	bool passive = (wire->flags & WIRE_ACK) != 0;

	if (!p->engine_isn_known) {
		p->engine_isn_known = true;
		p->engine_isn = wire->seq;
		p->window_end = p->rcv_seen = wire->seq + 1;
	}
	if (wire->seq != p->engine_isn)
		world_complain(w, "a SYN with another sequence number than before");
	if (!wire->has_mss)
		world_complain(w, "a SYN without an MSS (RFC 9293 MUST-14, SHLD-5)");
	if (passive && wire->has_timestamps && !p->ts_sent)
		world_complain(w, "timestamps in a SYN-ACK, unasked (RFC 7323 §3.2)");
	if (passive && wire->has_window_scale && !p->scale_sent)
		world_complain(w, "window scale in a SYN-ACK, unasked (RFC 7323 §2.2)");
	if (passive && wire->sack_permitted && !p->sack_sent)
		world_complain(w, "SACK permitted in a SYN-ACK, unasked (RFC 2018 §2)");
	if (wire->window_scale > 14)
		world_complain(w, "a window scale over 14 (RFC 7323 §2.3)");
	p->engine_ts_seen = wire->has_timestamps;
	p->scale_on = wire->has_window_scale && p->scale_sent;
	p->sack_on = wire->sack_permitted && p->sack_sent;
	p->engine_window_scale = wire->has_window_scale ? wire->window_scale : 0;
	negotiate(p);
}

static void watch_options(struct world *w, const struct peer *p, const struct wire *wire)
{
	if (wire->has_mss || wire->has_window_scale || wire->sack_permitted)
		world_complain(w, "an option of a SYN in another segment");
	if (p->ts_on && !wire->has_timestamps)
		world_complain(w, "no timestamps (RFC 7323 §3.2)");
	if (!p->ts_on && wire->has_timestamps)
		world_complain(w, "timestamps that were not negotiated (RFC 7323 §3.2)");
	if (wire->n_sack > 0 && !p->sack_on)
		world_complain(w, "SACK without permission (RFC 2018 §3)");
}

// An earlier block must tell the newest; a first one may repeat what was acknowledged (RFC 2883).
static void watch_sack(struct world *w, const struct peer *p, const struct wire *wire)
{
	for (unsigned i = 0; i < wire->n_sack; i++) {
		uint32_t from = wire->sack[i][0], to = wire->sack[i][1];

		if (!after(to, from) || after(to, p->sent_end))
			world_complain(w, "a SACK block of what was never sent");
		if (i > 0 && !after(from, wire->ack))
			world_complain(w, "a SACK block that is no D-SACK and not above the ACK");
	}
}

static void watch_ack(struct world *w, struct peer *p, const struct wire *wire)
{
	uint8_t scale = (wire->flags & WIRE_SYN) != 0 || !p->scale_on ? 0 : p->engine_window_scale;
	uint32_t end = wire->ack + ((uint32_t)wire->window << scale);

	p->fin_acked |= p->has_fin && wire->ack == p->fin_end;
	if (after(wire->ack, p->sent_end))
		world_complain(w, "an ACK of what was never sent");
	if (p->has_acked && after(p->acked, wire->ack))
		world_complain(w, "an ACK that goes back");
	// What the shift cuts off is not taken back (RFC 7323 §2.4); nothing follows a FIN.
	if (p->has_acked && !p->fin_acked && (wire->flags & WIRE_SYN) == 0 &&
		after(p->offered_end, end + (1u << scale) - 1))
		world_complain(w, "a window that shrinks (RFC 9293 SHLD-14)");
	if (!p->has_acked || after(end, p->offered_end))
		p->offered_end = end;
	p->acked = wire->ack;
	p->has_acked = true;
}

static void watch_payload(struct world *w, struct peer *p, const struct wire *wire)
{
	uint32_t n = wire->payload_bytes, at = wire->seq - p->engine_isn - 1;
	uint32_t mss = p->mss > 0 ? p->mss : w->variant.family == IP_V4 ? 536 : 1220;
	unsigned header = w->variant.family == IP_V4 ? 40 : 60;

	if (n + header + wire->offset_bytes - WIRE_BYTES > 1500)
		world_complain(w, "a segment of %u bytes is larger than its link", n);
	if (mss >= MSS_BELIEVED && n + wire->offset_bytes - WIRE_BYTES > mss)
		world_complain(
			w, "%u bytes and options: more than the MSS of %u (RFC 6691)", n, mss);
	if (at + n > p->n_written || at > p->n_written)
		world_complain(w, "bytes that were never written");
	for (uint32_t i = 0; i < n && w->complaint[0] == '\0'; i++) {
		if (wire->payload[i] != world_engine_byte(at + i))
			world_complain(w, "byte %u of the stream is another one", at + i);
	}
	// One byte at the edge of a closed window probes it (RFC 9293 §3.8.6.1).
	if (after(wire->seq + n, p->window_end) && !(n == 1 && wire->seq == p->window_end))
		world_complain(w, "bytes beyond the window of the peer");
}

void watch_output(struct world *w, struct peer *p, const struct wire *wire)
{
	bool of_connection = (wire->flags & (WIRE_RST | WIRE_SYN)) == 0;

	if (wire->urgent != 0 || (wire->flags & WIRE_URG) != 0)
		world_complain(w, "urgent data");
	if ((wire->flags & WIRE_RST) != 0 && length_of(wire) > 0)
		world_complain(w, "a reset with SYN, FIN or data");
	if ((wire->flags & WIRE_SYN) != 0)
		watch_syn(w, p, wire);
	if (of_connection && (wire->flags & WIRE_ACK) == 0)
		world_complain(w, "neither SYN nor RST, and no ACK (RFC 9293 §3.4)");
	if (of_connection && p->engine_isn_known)
		watch_options(w, p, wire);
	if ((wire->flags & WIRE_ACK) != 0 && (wire->flags & WIRE_RST) == 0) {
		watch_sack(w, p, wire);
		watch_ack(w, p, wire);
	}
	if (wire->payload_bytes > 0)
		watch_payload(w, p, wire);
	if (wire->has_timestamps) {
		if (!p->engine_ts_seen || p->ts_first == 0)
			p->ts_first = wire->ts_value;
		p->engine_ts = wire->ts_value;
	}
	if (after(wire->seq + length_of(wire), p->rcv_seen))
		p->rcv_seen = wire->seq + length_of(wire);
}

static int add_flags(uint8_t flags, char *text, size_t n_bytes)
{
	static const char *const names[] = {
		"FIN ", "SYN ", "RST ", "PSH ", "ACK ", "URG ", "ECE ", "CWR "};
	int n = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < 8; i++) {
		if ((flags & 1u << i) != 0)
			n += snprintf(text + n, n_bytes - (size_t)n, "%s", names[i]);
	}
	return n > 0 ? n : snprintf(text, n_bytes, "bare ");
}

void watch_describe(
	const struct peer *p, bool in, const struct wire *wire, char *text, size_t n_bytes)
{
	uint32_t seq = wire->seq - (in ? p->isn : p->engine_isn);
	uint32_t ack_isn = in ? p->engine_isn : p->isn;
	char *end = text + n_bytes;

	text += add_flags(wire->flags, text, n_bytes);
	text += snprintf(text, (size_t)(end - text), "seq %d", (int32_t)seq);
	if ((wire->flags & WIRE_ACK) != 0)
		text += snprintf(
			text, (size_t)(end - text), " ack %d", (int32_t)(wire->ack - ack_isn));
	if (wire->payload_bytes > 0)
		text += snprintf(text, (size_t)(end - text), " len %u", wire->payload_bytes);
	text += snprintf(text, (size_t)(end - text), " window %u", wire->window);
	if (wire->has_mss)
		text += snprintf(text, (size_t)(end - text), " mss %u", wire->mss);
	if (wire->has_window_scale)
		text += snprintf(text, (size_t)(end - text), " scale %u", wire->window_scale);
	if (wire->sack_permitted)
		text += snprintf(text, (size_t)(end - text), " sackok");
	if (wire->has_timestamps)
		text += snprintf(text, (size_t)(end - text), " ts %d echo %d",
			(int32_t)(wire->ts_value - (in ? p->ts_base : p->ts_first)),
			(int32_t)(wire->ts_echo - (in ? p->ts_first : p->ts_base)));
	for (unsigned i = 0; i < wire->n_sack; i++)
		text += snprintf(text, (size_t)(end - text), "%s%d:%d", i == 0 ? " sack " : " ",
			(int32_t)(wire->sack[i][0] - ack_isn),
			(int32_t)(wire->sack[i][1] - ack_isn));
}
