// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/relay/stamp.h"

#include "lib/sip/value.h"

// As the servers that read it write it.
#define VERIFIED_PARAM "ms-source-verified-user"
// A longer host name is left out, so that there is always room for the rest.
#define HOST_BYTES_MAX 64

static const struct sip_header *stamp_from(
	const struct sip_message *m, const struct sip_header *h, struct view name)
{
	while (h != NULL &&
		(h->name.len != name.len || !view_equal_nocase(sip_view(m, h->name), name)))
		h = sip_header_next(m, h);
	return h;
}

static const struct sip_header *first_stamp(const struct relay *r, const struct sip_message *m)
{
	return r->stamp.len > 0 ? stamp_from(m, sip_header_first(m, SIP_H_OTHER), r->stamp) : NULL;
}

static const struct sip_header *next_stamp(
	const struct relay *r, const struct sip_message *m, const struct sip_header *h)
{
	return stamp_from(m, sip_header_next(m, h), r->stamp);
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct view trim(struct view v)
{
	while (v.len > 0 && is_blank(v.at[0]))
		v = view_of(v.at + 1, v.len - 1);
	while (v.len > 0 && is_blank(v.at[v.len - 1]))
		v.len--;
	return v;
}

// One part between semicolons: whether it is the parameter, and says that.
static bool says_verified(struct view part)
{
	const uint8_t *equals = part.len > 0 ? memchr(part.at, '=', part.len) : NULL;
	struct view name, value;

	if (equals == NULL)
		return false;
	name = trim(view_of(part.at, (size_t)(equals - part.at)));
	value = trim(view_of(equals + 1, part.len - (size_t)(equals + 1 - part.at)));
	return view_equal_nocase(name, VIEW(VERIFIED_PARAM)) &&
		view_equal_nocase(value, VIEW("verified"));
}

static bool is_verified(struct view value)
{
	while (value.len > 0) {
		const uint8_t *end = memchr(value.at, ';', value.len);
		size_t n = end != NULL ? (size_t)(end - value.at) : value.len;

		if (says_verified(view_of(value.at, n)))
			return true;
		n += end != NULL;
		value = view_of(value.at + n, value.len - n);
	}
	return false;
}

// Of several stamps each must vouch for the sender.
static enum stamp_mark mark_of(
	const struct relay *r, const struct sip_message *m, const struct sip_header *h)
{
	for (; h != NULL; h = next_stamp(r, m, h)) {
		if (!is_verified(sip_view(m, h->value)))
			return STAMP_UNVERIFIED;
	}
	return STAMP_VERIFIED;
}

enum reason stamp_judge(const struct relay *r, struct job *job, const struct verdict *verdict)
{
	unsigned side = r->self.list[job->in->listener].side;
	const struct sip_header *h;

	job->stamp = STAMP_LEFT;
	if (r->stamp.len == 0 || side == verdict->egress)
		return REASON_none;
	h = first_stamp(r, &job->message);
	if (side == SIDE_INSIDE) {
		// Our own servers may say that they do not vouch for somebody.
		job->stamp = h == NULL ? STAMP_VERIFIED : STAMP_LEFT;
		return REASON_none;
	}
	if (h == NULL && verdict->verification == IMAGE_VERIFICATION_SOURCE)
		return REASON_stamp_missing;
	job->stamp = verdict->verification == IMAGE_VERIFICATION_NEVER
		? STAMP_UNVERIFIED
		: (uint8_t)mark_of(r, &job->message, h);
	return REASON_none;
}

void stamp_cut(const struct relay *r, const struct job *job, struct sip_edits *edits)
{
	const struct sip_message *m = &job->message;

	if (r->self.list[job->in->listener].side == SIDE_INSIDE)
		return;
	for (const struct sip_header *h = first_stamp(r, m); h != NULL; h = next_stamp(r, m, h))
		sip_edits_cut(edits, h->name.at, (size_t)(h->end - h->name.at));
}

static void write_line(
	const struct relay *r, const struct listener *l, struct view level, struct stamp_line *line)
{
	struct text text = text_over(line->bytes, sizeof(line->bytes));

	text_add(&text, r->stamp);
	text_add(&text, VIEW(": ms-source-type=DirectPartner;"));
	if (l->own.host.len <= HOST_BYTES_MAX) {
		text_add(&text, VIEW("ms-ep-fqdn="));
		text_add(&text, l->own.host);
		text_add(&text, VIEW(";"));
	}
	text_add(&text, VIEW(VERIFIED_PARAM "="));
	text_add(&text, level);
	text_add(&text, VIEW(";ms-source-network=federation\r\n"));
	line->len = text.overflow ? 0 : (uint16_t)text_view(&text).len;
}

void stamp_prepare(struct relay *r)
{
	for (unsigned i = 0; i < r->self.n; i++) {
		const struct listener *l = &r->self.list[i];

		write_line(r, l, VIEW("verified"), &r->stamp_lines[i][0]);
		write_line(r, l, VIEW("unverified"), &r->stamp_lines[i][1]);
	}
}
