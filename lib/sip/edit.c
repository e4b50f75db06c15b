// SPDX-License-Identifier: BSD-3-Clause

#include "lib/sip/edit.h"

void sip_edits_init(struct sip_edits *e, struct view source)
{
	e->source = source;
	e->n = 0;
	e->overflow = false;
	e->n_bytes = source.len;
}

// Whether the edit in front of slot i reaches into `at`, or one at slot i begins before `end`.
static bool overlaps(const struct sip_edits *e, unsigned i, size_t at, size_t end)
{
	if (i > 0 && e->list[i - 1].at + e->list[i - 1].cut > at)
		return true;
	return i < e->n && e->list[i].at < end;
}

// Whether an edit already there comes after a new one.
static bool goes_behind(const struct sip_edit *there, size_t at, size_t cut)
{
	return there->at > at || (there->at == at && there->cut > 0 && cut == 0);
}

// Puts an edit at slot i.
static void put(struct sip_edits *e, unsigned i, struct sip_edit edit)
{
	if (e->n == SIP_EDITS_MAX) {
		e->overflow = true;
		return;
	}
	for (unsigned at = e->n; at > i; at--)
		e->list[at] = e->list[at - 1];
	e->list[i] = edit;
	e->n++;
}

void sip_edits_add(struct sip_edits *e, size_t at, size_t cut, struct view insert)
{
	struct sip_edit *last;
	unsigned i = e->n;

	if (cut == 0 && insert.len == 0)
		return;
	while (i > 0 && goes_behind(&e->list[i - 1], at, cut))
		i--;
	if (e->overflow || at > e->source.len || cut > e->source.len - at ||
		overlaps(e, i, at, at + cut)) {
		e->overflow = true;
		return;
	}
	last = i > 0 ? &e->list[i - 1] : NULL;
	e->n_bytes += insert.len - cut;
	if (last != NULL && insert.len == 0 && last->cut > 0 && last->at + last->cut == at)
		last->cut += cut;
	else
		put(e, i, (struct sip_edit){at, cut, insert});
}

size_t sip_edits_write(const struct sip_edits *e, uint8_t *out, size_t room)
{
	uint8_t *to = out;
	size_t from = 0;

	if (e->overflow || e->n_bytes > room)
		return 0;
	for (unsigned i = 0; i < e->n; i++) {
		const struct sip_edit *edit = &e->list[i];

		memcpy(to, e->source.at + from, edit->at - from);
		to += edit->at - from;
		if (edit->insert.len > 0) {
			memcpy(to, edit->insert.at, edit->insert.len);
			to += edit->insert.len;
		}
		from = edit->at + edit->cut;
	}
	memcpy(to, e->source.at + from, e->source.len - from);
	return e->n_bytes;
}
