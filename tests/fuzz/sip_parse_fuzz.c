// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as a message, in both framings, then every field of it by every accessor. What comes
// out must lie within what went in, in order, and parse again to the same.

#include <stdlib.h>

#include "lib/sip/scan.h"
#include "lib/sip/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void require_within(struct view part, struct view whole)
{
	require(part.len == 0 ||
		(part.at >= whole.at && part.at + part.len <= whole.at + whole.len));
}

static void check_uri(struct view text)
{
	struct sip_uri u;

	if (sip_uri_parse(text, &u) < 0)
		return;
	require(view_equal(u.text, text));
	require_within(u.user, text);
	require_within(u.host, text);
	require_within(u.params, text);
	require_within(u.headers, text);
	require(u.scheme == SIP_SCHEME_OTHER || u.host.len > 0);
	(void)sip_param_find(u.params, VIEW("lr"));
}

static void check_value(struct view text)
{
	struct sip_address address;
	struct sip_via via;

	check_uri(text);
	if (sip_address_parse(text, &address) == 0) {
		require_within(address.display, text);
		require_within(address.params, text);
		require_within(address.tag, address.params);
		check_uri(address.uri_text);
	}
	if (sip_via_parse(text, &via) == 0) {
		require(via.text.len <= text.len && via.text.len > 0);
		require(via.host.len > 0);
		require_within(via.sent_by, text);
		require_within(via.branch, via.params);
		require_within(via.received, via.params);
		require_within(via.rport, via.params);
	}
	(void)sip_param_find(text, VIEW("tag"));
}

static void check_lists(const struct sip_message *m)
{
	for (unsigned id = 0; id < SIP_H_N; id++) {
		struct sip_values it = sip_values_of(m, (enum sip_header_id)id);
		const struct sip_header *last = NULL;
		struct sip_value value;

		while (sip_values_next(&it, &value) > 0) {
			require(value.h->id == id && value.h >= last && value.span.len > 0);
			require(value.span.at >= value.h->value.at &&
				value.span.at + value.span.len <=
					value.h->value.at + value.h->value.len);
			check_value(sip_view(m, value.span));
			last = value.h;
		}
	}
}

static bool are_same(const struct sip_value *a, const struct sip_value *b)
{
	return a->h == b->h && a->span.at == b->span.at && a->span.len == b->span.len;
}

// A list read in one pass gives what its values give one by one, up to the first malformed one.
// Texts that are no part of an index are marked anew: both must read the same.
static void check_passes(const struct sip_message *m, enum sip_header_id id)
{
	struct sip_values one = sip_values_of(m, id), two = one, three = one;
	struct sip_value value, where;
	struct sip_address a, b;
	struct sip_via v, w;
	struct view text;

	while (sip_values_next(&one, &value) > 0) {
		text = sip_view(m, value.span);
		if (sip_address_parse(text, &a) < 0)
			break;
		require(sip_addresses_next(&two, &b, &where) > 0 && are_same(&value, &where));
		require(view_equal(a.uri_text, b.uri_text) && view_equal(a.tag, b.tag) &&
			view_equal(a.display, b.display) && a.uri.port == b.uri.port &&
			view_equal(a.uri.host, b.uri.host) && view_equal(a.uri.user, b.uri.user));
	}
	require(one.h == NULL || sip_addresses_next(&two, &b, &where) < 0);
	for (one = three; sip_values_next(&one, &value) > 0;) {
		text = sip_view(m, value.span);
		if (sip_via_parse(text, &v) < 0)
			break;
		require(sip_vias_next(&three, &w, &where) > 0 && are_same(&value, &where));
		require(view_equal(v.text, w.text) && view_equal(v.branch, w.branch) &&
			view_equal(v.sent_by, w.sent_by) && v.port == w.port);
	}
}

static void check_singles(const struct sip_message *m)
{
	struct sip_value where;
	struct sip_address address;
	struct sip_cseq cseq;
	struct sip_via via;
	struct view a, b;
	unsigned n;

	if (sip_top_via(m, &via, &where) == 0)
		require(view_equal(via.text, sip_view(m, where.span)));
	(void)sip_from(m, &address);
	(void)sip_to(m, &address);
	if (sip_cseq(m, &cseq) == 0)
		require(cseq.number <= INT32_MAX);
	if (sip_call_id(m, &a) == 0)
		require_within(a, m->bytes);
	if (sip_max_forwards(m, &n) == 0)
		require(n <= 255);
	if (sip_content_length(m, &n) == 0)
		require(m->body.len == 0 || n == m->body.len);
	if (sip_content_type(m, &a, &b) == 0)
		require(a.len > 0 && b.len > 0);
	if (sip_event(m, &a) == 0)
		require(a.len > 0);
}

static void check_index(const struct sip_message *m)
{
	size_t end = m->start.len;

	for (unsigned i = 0; i < m->n_headers; i++) {
		const struct sip_header *h = &m->headers[i];

		require(h->name.at >= end && h->name.len > 0);
		require(h->value.at > h->name.at + h->name.len - 1);
		require(h->value.at + h->value.len + 2 <= h->end);
		require(h->next == 0 || (h->next > i && m->headers[h->next].id == h->id));
		end = h->end;
	}
	require(end <= m->bytes.len && m->headers_end >= end);
	require_within(m->body, m->bytes);
}

static void check_message(struct view bytes, enum sip_framing framing)
{
	static struct sip_message m, again;
	enum reason reason = sip_message_parse(bytes, framing, &m);

	if (reason == REASON_sip_not_sip)
		return;
	require(m.is_request || reason == REASON_none || reason == REASON_sip_response_malformed);
	check_index(&m);
	check_lists(&m);
	for (unsigned id = 0; id < SIP_H_N; id++)
		check_passes(&m, (enum sip_header_id)id);
	check_singles(&m);
	if (reason != REASON_none)
		return;
	require(sip_message_parse(m.bytes, framing, &again) == REASON_none);
	require(again.bytes.len == m.bytes.len && again.n_headers == m.n_headers);
	check_uri(sip_view(&m, m.request_uri));
}

static void check_scans(struct view bytes)
{
	static uint64_t specials[2][SIP_MARKED_BYTES / 64];
	static struct sip_scan scalar = {.specials = specials[0]};
	static struct sip_scan other = {.specials = specials[1]};
	bool (*const ways[])(const uint8_t *, size_t, struct sip_scan *) = {
		sip_scan_head_sse2, sip_scan_head_avx2, sip_scan_head_avx512};
	size_t len = bytes.len < SIP_HEAD_BYTES_MAX ? bytes.len : SIP_HEAD_BYTES_MAX;

	sip_scan_head_scalar(bytes.at, len, &scalar);
	for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (!ways[i](bytes.at, len, &other))
			continue;
		require(other.n == scalar.n && other.suspect == scalar.suspect &&
			other.ended == scalar.ended &&
			memcmp(other.lines, scalar.lines, scalar.n * sizeof(scalar.lines[0])) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view bytes = view_of(data, size);

	check_scans(bytes);
	check_message(bytes, SIP_DATAGRAM);
	check_message(bytes, SIP_STREAM);
	check_value(bytes);
	return 0;
}
