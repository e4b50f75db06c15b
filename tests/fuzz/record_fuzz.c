// SPDX-License-Identifier: BSD-3-Clause
// A session under what a peer may send. The first byte chooses version, suite and whose end it is;
// then either the rest is the stream itself, or a script: records that are authentic whatever they
// hold, so that alerts, tickets and KeyUpdates are reached, some of them spoilt or in pieces, and
// sealing of our own between them.
//
// Data is shown only as it was sealed, nothing is shown of a record that was spoilt, and the other
// end can open every answer.

#include "lib/record/inner.h"
#include "tests/unit/lib/record/pair.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEY_RECORDS 5

static void require(bool holds)
{
	if (!holds)
		abort();
}

struct world {
	struct record_crypto *crypto, *peer_crypto;
	struct record_session session, peer;
	bool peer_lost; // it has refused what it takes for too much
	uint8_t record[RECORD_BYTES_MAX + 300], text[RECORD_OPEN_BYTES],
		peer_text[RECORD_OPEN_BYTES];
};

// Input, read from the front; zeros where it has ended.
struct input {
	const uint8_t *at;
	size_t left;
};

static uint8_t take(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

static struct view take_bytes(struct input *in, size_t n)
{
	struct view v;

	n = n < in->left ? n : in->left;
	v = view_of(in->at, n);
	in->at += n;
	in->left -= n;
	return v;
}

static void begin(struct world *w, uint8_t choice)
{
	struct pair_kind kind = pair_kinds[choice % PAIR_KINDS];
	struct record_secrets client, server;
	bool serves = choice / PAIR_KINDS % 2 == 1;

	if (w->crypto == NULL) {
		w->crypto = pair_crypto(RECORD_PROVIDER_BEST, KEY_RECORDS);
		w->peer_crypto = pair_crypto(RECORD_PROVIDER_EVP, KEY_RECORDS);
	}
	pair_secrets(&client, &server, kind, 1);
	require(record_session_begin(&w->session, w->crypto, serves ? &server : &client,
			serves ? RECORD_ACCEPTED : RECORD_OPENED) == 0);
	require(record_session_begin(&w->peer, w->peer_crypto, serves ? &client : &server,
			serves ? RECORD_OPENED : RECORD_ACCEPTED) == 0);
	w->peer_lost = false;
}

static void check_shape(const struct world *w, const struct record_opened *o)
{
	require(o->n_answer <= RECORD_ANSWER_BYTES);
	require(w->session.state < RECORD_STATE_N);
	require(w->session.n_barren <= RECORD_BARREN_MAX);
	if (o->kind == RECORD_REFUSED || o->kind == RECORD_PEER_FAILED)
		require(w->session.state == RECORD_STATE_FAILED);
	if (o->kind != RECORD_TEXT)
		require(o->text.len == 0);
	else if (o->text.len > 0)
		require(o->text.at >= w->text &&
			o->text.at + o->text.len <= w->text + RECORD_TEXT_BYTES_MAX);
}

// What we have sealed, at the other end.
static void give_to_peer(struct world *w, const uint8_t *bytes, size_t n)
{
	struct record_opened o;

	for (size_t at = 0; at < n && !w->peer_lost;) {
		size_t n_record = record_length(&w->peer, view_of(bytes + at, n - at));

		require(n_record > RECORD_HEADER_BYTES && n_record <= n - at);
		pair_open(&w->peer, w->peer_crypto, bytes + at, n_record, w->peer_text, &o);
		require(o.kind != RECORD_REFUSED || o.reason == REASON_record_barren);
		w->peer_lost = o.kind == RECORD_REFUSED;
		at += n_record;
	}
}

static void open_cut(struct world *w, size_t n, size_t cut, struct record_opened *o)
{
	struct view parts[2];
	unsigned n_parts = cut > 0 && cut < n ? 2 : 1;

	parts[0] = view_of(w->record, n_parts == 2 ? cut : n);
	parts[1] = view_of(w->record + cut, n_parts == 2 ? n - cut : 0);
	record_open(&w->session, w->crypto, parts, n_parts, w->text, o);
	check_shape(w, o);
	give_to_peer(w, o->answer, o->n_answer);
}

// An authentic record of the peer, under the keys that we have for it now.
static void peer_record(struct world *w, struct input *in, bool spoilt)
{
	uint8_t type = take(in), n_zeros = take(in), cut = take(in), at = take(in);
	size_t n_text = take(in) | (size_t)(type & 0x80 ? take(in) << 8 : 0);
	struct view text = take_bytes(in, n_text % (RECORD_TEXT_BYTES_MAX - 256));
	enum record_state before = (enum record_state)w->session.state;
	struct record_opened o;
	size_t n;

	type = (uint8_t)(type % 8 < 6 ? 21 + type % 3 : type);
	w->peer.send = w->session.receive;
	n = pair_forge(&w->peer, w->peer_crypto, type, text, n_zeros, w->record);
	if (spoilt)
		w->record[RECORD_HEADER_BYTES + at % (n - RECORD_HEADER_BYTES)] ^= 1;
	open_cut(w, n, cut, &o);
	if (!record_state_receives(before))
		require(o.kind == RECORD_IGNORED);
	else if (spoilt)
		require(o.kind == RECORD_REFUSED);
	else if (o.kind == RECORD_TEXT && (w->peer.version == RECORD_TLS13 || n_zeros == 0))
		require(view_equal(o.text, text));
}

static void seal_data(struct world *w, struct input *in)
{
	static uint8_t out[4 * RECORD_BYTES_MAX];
	struct view text = take_bytes(in, take(in));
	size_t n_said = record_sealed_bytes(&w->session, w->crypto, text.len), n;

	n = record_seal(&w->session, w->crypto, &text, 1, out);
	require(n == n_said || n == 0);
	give_to_peer(w, out, n);
}

static void run_script(struct world *w, struct input *in)
{
	uint8_t out[RECORD_ANSWER_BYTES];

	while (in->left > 0) {
		uint8_t op = take(in);

		if (op < 200)
			peer_record(w, in, op % 16 == 15);
		else if (op < 250)
			seal_data(w, in);
		else if (op < 254)
			give_to_peer(w, out, record_close(&w->session, w->crypto, out));
		else
			give_to_peer(w, out,
				record_fail(
					&w->session, w->crypto, RECORD_ALERT_internal_error, out));
	}
}

// Nothing of an arbitrary stream is authentic.
static void run_stream(struct world *w, struct input *in)
{
	struct record_opened o;
	size_t n;

	while ((n = record_length(&w->session, view_of(in->at, in->left))) > 0 && n <= in->left) {
		require(n <= RECORD_BYTES_MAX);
		memcpy(w->record, in->at, n);
		(void)take_bytes(in, n);
		open_cut(w, n, n / 2, &o);
		require(o.kind == RECORD_REFUSED || o.kind == RECORD_IGNORED);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	struct input in = {data, size};
	uint8_t choice = take(&in);

	begin(&w, choice & 0x7f);
	if (choice & 0x80)
		run_stream(&w, &in);
	else
		run_script(&w, &in);
	record_session_end(&w.session, w.crypto);
	record_session_end(&w.peer, w.peer_crypto);
	return 0;
}
