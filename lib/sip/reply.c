// SPDX-License-Identifier: BSD-3-Clause

#include "lib/sip/reply.h"
#include "lib/base/text.h"

struct view sip_status_phrase(unsigned status)
{
	switch (status) {
#define SIP_STATUS(code, phrase) \
	case code:               \
		return VIEW(phrase);
#include "lib/sip/status.def"
#undef SIP_STATUS
	default:
		return VIEW("Unknown");
	}
}

// The bytes of a field's value with the edits that lie in it.
static void add_edited(struct text *t, const struct sip_message *m, struct sip_span value,
	const struct sip_edits *edits)
{
	size_t from = value.at, end = (size_t)value.at + value.len;

	for (unsigned i = 0; edits != NULL && i < edits->n; i++) {
		const struct sip_edit *edit = &edits->list[i];

		if (edit->at < from || edit->at + edit->cut > end)
			continue;
		text_add(t, view_of(m->bytes.at + from, edit->at - from));
		text_add(t, edit->insert);
		from = edit->at + edit->cut;
	}
	text_add(t, view_of(m->bytes.at + from, end - from));
}

static void add_vias(struct text *t, const struct sip_reply *reply)
{
	const struct sip_edits *edits = reply->via_edits;
	const struct sip_message *m = reply->request;
	unsigned n_cut = reply->n_vias_cut;

	for (const struct sip_header *h = sip_header_first(m, SIP_H_VIA); h != NULL;
		h = sip_header_next(m, h)) {
		if (n_cut > 0) {
			n_cut--;
			continue;
		}
		text_add(t, VIEW("Via: "));
		add_edited(t, m, h->value, edits);
		text_add(t, VIEW("\r\n"));
		edits = NULL;
	}
}

static void add_copy(struct text *t, const struct sip_message *m, enum sip_header_id id,
	struct view name, struct view tag)
{
	const struct sip_header *h = sip_header_first(m, id);

	if (h == NULL)
		return;
	text_add(t, name);
	text_add(t, sip_view(m, h->value));
	if (tag.len > 0) {
		text_add(t, VIEW(";tag="));
		text_add(t, tag);
	}
	text_add(t, VIEW("\r\n"));
}

size_t sip_reply_write(const struct sip_reply *reply, uint8_t *out, size_t room)
{
	const struct sip_message *m = reply->request;
	struct text t = text_over(out, room);

	text_add(&t, VIEW("SIP/2.0 "));
	text_add_number(&t, reply->status);
	text_add(&t, VIEW(" "));
	text_add(&t, sip_status_phrase(reply->status));
	text_add(&t, VIEW("\r\n"));
	add_vias(&t, reply);
	add_copy(&t, m, SIP_H_FROM, VIEW("From: "), VIEW_NONE);
	add_copy(&t, m, SIP_H_TO, VIEW("To: "), reply->to_tag);
	add_copy(&t, m, SIP_H_CALL_ID, VIEW("Call-ID: "), VIEW_NONE);
	add_copy(&t, m, SIP_H_CSEQ, VIEW("CSeq: "), VIEW_NONE);
	text_add(&t, reply->fields);
	text_add(&t, VIEW("Content-Length: 0\r\n\r\n"));
	return t.overflow ? 0 : (size_t)(t.at - t.start);
}
