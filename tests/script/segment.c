// SPDX-License-Identifier: BSD-3-Clause

#include "tests/script/segment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct name {
	const char *word;
	unsigned value; // a flag, or where a range lies in struct segment_words
};

static const struct name flags[] = {{"FIN", WIRE_FIN}, {"SYN", WIRE_SYN}, {"RST", WIRE_RST},
	{"PSH", WIRE_PSH}, {"ACK", WIRE_ACK}, {"URG", WIRE_URG}, {"ECE", WIRE_ECE},
	{"CWR", WIRE_CWR}, {"bare", 0}};

static const struct name ranges[] = {{"seq", offsetof(struct segment_words, seq)},
	{"ack", offsetof(struct segment_words, ack)}, {"len", offsetof(struct segment_words, len)},
	{"window", offsetof(struct segment_words, window)},
	{"offer", offsetof(struct segment_words, offer)},
	{"urgent", offsetof(struct segment_words, urgent)},
	{"mss", offsetof(struct segment_words, mss)},
	{"scale", offsetof(struct segment_words, scale)},
	{"ts", offsetof(struct segment_words, ts)}, {"echo", offsetof(struct segment_words, echo)},
	{"offset", offsetof(struct segment_words, offset)}};

static const struct name switches[] = {{"sackok", offsetof(struct segment_words, sack_permitted)},
	{"nosackok", offsetof(struct segment_words, no_sack_permitted)},
	{"nots", offsetof(struct segment_words, no_ts)},
	{"anysack", offsetof(struct segment_words, any_sack)},
	{"junk", offsetof(struct segment_words, junk)},
	{"nopush", offsetof(struct segment_words, no_push)}};

#define FIND(names, word, out) find(names, sizeof(names) / sizeof((names)[0]), word, out)

static bool find(const struct name names[], size_t n, const char *word, unsigned *out)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(names[i].word, word) == 0) {
			*out = names[i].value;
			return true;
		}
	}
	return false;
}

// FROM:TO
static bool read_block(const struct values *v, const char *word, struct segment_words *s)
{
	const char *colon = strchr(word, ':');
	struct range *from, *to;
	char text[64];

	if (colon == NULL || (size_t)(colon - word) >= sizeof(text) || s->n_sack == WIRE_SACK_MAX)
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)(colon - word), word);
	from = &s->sack[s->n_sack][0];
	to = &s->sack[s->n_sack][1];
	s->n_sack++;
	return value_read_range(v, text, &from->low, &from->high) &&
		value_read_range(v, colon + 1, &to->low, &to->high);
}

static bool read_hex(const char *word, struct segment_words *s)
{
	unsigned byte;

	for (; *word != '\0'; word += 2) {
		if (s->n_raw == WIRE_OPTIONS_MAX || sscanf(word, "%2x", &byte) != 1 ||
			word[1] == '\0')
			return false;
		s->raw[s->n_raw++] = (uint8_t)byte;
	}
	return true;
}

// How many words it took; 0: not a word of a segment, or a wrong value.
static unsigned read_word(
	const struct values *v, char *const words[], unsigned n, struct segment_words *s)
{
	char *base = (char *)s;
	unsigned value;

	if (FIND(flags, words[0], &value)) {
		s->flags |= (uint8_t)value;
		s->push |= value == WIRE_PSH;
		return 1;
	}
	if (FIND(switches, words[0], &value)) {
		*(bool *)(void *)(base + value) = true;
		return 1;
	}
	if (n < 2)
		return 0;
	if (FIND(ranges, words[0], &value)) {
		struct range *r = (struct range *)(void *)(base + value);

		r->given = true;
		return value_read_range(v, words[1], &r->low, &r->high) ? 2 : 0;
	}
	if (strcmp(words[0], "option") == 0)
		return read_hex(words[1], s) ? 2 : 0;
	if (strcmp(words[0], "sack") == 0) {
		unsigned at = 1;

		while (at < n && strchr(words[at], ':') != NULL) {
			if (!read_block(v, words[at++], s))
				return 0;
		}
		return at > 1 ? at : 0;
	}
	return 0;
}

bool segment_read(
	const struct values *v, char *const words[], unsigned n_words, struct segment_words *s)
{
	memset(s, 0, sizeof(*s));
	for (unsigned i = 0; i < n_words;) {
		unsigned n = read_word(v, words + i, n_words - i, s);

		if (n == 0) {
			snprintf(s->wrong, sizeof(s->wrong), "not a word of a segment: %s%s%s",
				words[i], i + 1 < n_words ? " " : "",
				i + 1 < n_words ? words[i + 1] : "");
			return false;
		}
		i += n;
	}
	if (n_words == 0)
		snprintf(s->wrong, sizeof(s->wrong), "a segment is missing");
	return n_words > 0;
}

static void make_timestamps(const struct segment_words *s, const struct world *w,
	const struct peer *p, struct wire *wire)
{
	bool syn = (s->flags & WIRE_SYN) != 0;

	wire->has_timestamps = s->ts.given || (!syn && p->ts_on && !s->no_ts);
	// A clock of milliseconds that stood at 1000 when the world began.
	wire->ts_value =
		p->ts_base + (s->ts.given ? (uint32_t)s->ts.low : 1000 + (uint32_t)world_ms(w));
	wire->ts_echo = s->echo.given        ? p->ts_first + (uint32_t)s->echo.low
		: (s->flags & WIRE_ACK) != 0 ? p->engine_ts
					     : 0;
}

void segment_make(const struct segment_words *s, const struct world *w, const struct peer *p,
	uint8_t *payload, struct wire *wire)
{
	uint32_t n = s->len.given ? (uint32_t)s->len.low : 0, first;

	memset(wire, 0, sizeof(*wire));
	wire->source = p->remote.port;
	wire->target = p->local.port;
	wire->flags = s->flags;
	wire->seq = p->isn + (uint32_t)s->seq.low;
	if ((s->flags & WIRE_ACK) != 0 || s->ack.given)
		wire->ack = p->engine_isn + (uint32_t)s->ack.low;
	wire->window = s->window.given ? (uint16_t)s->window.low : 65535;
	wire->urgent = (uint16_t)s->urgent.low;
	wire->offset_bytes = (uint8_t)s->offset.low;
	wire->has_mss = s->mss.given;
	wire->mss = (uint16_t)s->mss.low;
	wire->has_window_scale = s->scale.given;
	wire->window_scale = (uint8_t)s->scale.low;
	wire->sack_permitted = s->sack_permitted;
	make_timestamps(s, w, p, wire);
	wire->n_sack = s->n_sack;
	for (unsigned i = 0; i < s->n_sack; i++) {
		wire->sack[i][0] = p->engine_isn + (uint32_t)s->sack[i][0].low;
		wire->sack[i][1] = p->engine_isn + (uint32_t)s->sack[i][1].low;
	}
	wire->n_raw = s->n_raw;
	memcpy(wire->raw, s->raw, s->n_raw);
	n = n > 65000 ? 65000 : n;
	first = (uint32_t)s->seq.low - ((s->flags & WIRE_SYN) == 0);
	for (uint32_t i = 0; i < n; i++)
		payload[i] = world_peer_byte(first + i) ^ (s->junk ? 0xff : 0);
	wire->payload = payload;
	wire->payload_bytes = n;
}

static bool outside(const struct range *r, int64_t value)
{
	return r->given && (value < r->low || value > r->high);
}

// Modulo 2^32
static bool outside_sequence(const struct range *r, uint32_t value)
{
	uint32_t low = (uint32_t)r->low;

	return r->given && value - low > (uint32_t)r->high - low;
}

static const char *options_differ(
	const struct segment_words *s, const struct peer *p, const struct wire *wire)
{
	uint32_t ts = wire->ts_value - p->ts_first, echo = wire->ts_echo - p->ts_base;

	if (s->mss.given && (!wire->has_mss || outside(&s->mss, wire->mss)))
		return "mss";
	if (s->scale.given && (!wire->has_window_scale || outside(&s->scale, wire->window_scale)))
		return "scale";
	if (s->sack_permitted && !wire->sack_permitted)
		return "sackok";
	if (s->no_sack_permitted && wire->sack_permitted)
		return "nosackok";
	if (s->no_ts && wire->has_timestamps)
		return "nots";
	if (s->ts.given && (!wire->has_timestamps || outside(&s->ts, (int32_t)ts)))
		return "ts";
	if (s->echo.given && (!wire->has_timestamps || outside(&s->echo, (int32_t)echo)))
		return "echo";
	if (s->any_sack)
		return NULL;
	if (s->n_sack != wire->n_sack)
		return "number of SACK blocks";
	for (unsigned i = 0; i < s->n_sack; i++) {
		int32_t from = (int32_t)(wire->sack[i][0] - p->isn);
		int32_t to = (int32_t)(wire->sack[i][1] - p->isn);

		if (from < s->sack[i][0].low || from > s->sack[i][0].high ||
			to < s->sack[i][1].low || to > s->sack[i][1].high)
			return "sack";
	}
	return NULL;
}

const char *segment_differs(
	const struct segment_words *s, const struct peer *p, const struct wire *wire)
{
	uint8_t minded = (uint8_t) ~(s->push ? 0 : WIRE_PSH);
	bool scaled = p->scale_on && (wire->flags & WIRE_SYN) == 0;
	int64_t offer = (int64_t)wire->window << (scaled ? p->engine_window_scale : 0);
	uint32_t n = wire->payload_bytes;

	if (((wire->flags ^ s->flags) & minded) != 0)
		return "flags";
	if (s->no_push && (wire->flags & WIRE_PSH) != 0)
		return "nopush";
	if (outside_sequence(&s->seq, wire->seq - p->engine_isn))
		return "seq";
	if ((wire->flags & WIRE_ACK) != 0 && outside_sequence(&s->ack, wire->ack - p->isn))
		return "ack";
	if (s->len.given ? outside(&s->len, n) : n != 0)
		return "len";
	if (outside(&s->window, wire->window))
		return "window";
	if (outside(&s->offer, offer))
		return "offer";
	return options_differ(s, p, wire);
}
