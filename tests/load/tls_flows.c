// SPDX-License-Identifier: BSD-3-Clause

#include "tests/load/tls_flows.h"

#include "control/tls/handshake.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define N_KEYS 1024
// Of text that is not consumed; a record more is opened only below.
#define TEXT_BYTES_MAX 131072
#define PING           "\r\n\r\n"

enum phase {
	PHASE_NONE,
	PHASE_HANDSHAKE,
	PHASE_UNCONFIRMED, // ours is done; the peer has not said anything yet
	PHASE_UP,
	PHASE_CLOSED, // by the peer
	PHASE_OVER,
};

struct stream {
	enum phase phase;
	enum record_role role;
	tcp_conn_id conn;
	struct tls_handshake *handshake;
	bool has_begun; // as the client, with its first step
	struct record_session record;
	uint8_t *text;
	size_t at, n, room; // text lies from at to n
};

struct tls_flows {
	struct tls_flows_config config;
	struct record_crypto *crypto;
	struct stream *streams;
	struct tls_flows_counts counts;
	uint8_t received[TLS_RECORD_BYTES_MAX];
	uint8_t *sealed;
	size_t sealed_room;
};

static bool is_negotiating(const struct stream *t)
{
	return t->phase == PHASE_HANDSHAKE || t->phase == PHASE_UNCONFIRMED;
}

struct tls_flows *tls_flows_new(const struct tls_flows_config *config)
{
	struct tls_flows *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->config = *config;
	s->streams = calloc(config->n_max, sizeof(*s->streams));
	s->crypto = record_crypto_new(&(struct record_crypto_config){.n_keys = N_KEYS});
	if (s->streams != NULL && s->crypto != NULL)
		return s;
	tls_flows_free(s);
	errno = ENOMEM;
	return NULL;
}

void tls_flows_free(struct tls_flows *s)
{
	if (s == NULL)
		return;
	for (uint32_t i = 0; i < s->config.n_max && s->streams != NULL; i++)
		tls_flow_end(s, i);
	if (s->crypto != NULL)
		record_crypto_free(s->crypto);
	free(s->sealed);
	free(s->streams);
	free(s);
}

static struct tls_handshake *begin_handshake(
	struct tls_flows *s, enum record_role role, uint32_t partner)
{
	struct identity identity = identities_find(s->config.identities, partner);
	struct tls_params params = {
		.role = role == RECORD_OPENED ? TLS_CLIENT : TLS_SERVER,
		.demand = TLS_CERTIFICATE_REQUIRED,
		// A server of several names goes by the one that it is asked for.
		.certificate = role == RECORD_OPENED ? identity.certificate : 0,
	};

	if (s->config.peer_name != NULL) {
		params.match = TLS_MATCH_DOMAIN;
		params.name = view_string(s->config.peer_name);
		params.server_name = role == RECORD_OPENED ? s->config.peer_name : NULL;
	}
	return tls_handshake_new(identity.context, &params, (int64_t)time(NULL));
}

void tls_flow_begin(struct tls_flows *s, uint32_t index, tcp_conn_id conn, enum record_role role,
	uint32_t partner)
{
	struct stream *t = &s->streams[index];

	tls_flow_end(s, index);
	t->conn = conn;
	t->role = role;
	t->phase = PHASE_HANDSHAKE;
	t->handshake = begin_handshake(s, role, partner);
}

void tls_flow_end(struct tls_flows *s, uint32_t index)
{
	struct stream *t = &s->streams[index];

	if (t->phase == PHASE_NONE)
		return;
	s->counts.n_failed += is_negotiating(t);
	tls_handshake_free(t->handshake);
	record_session_end(&t->record, s->crypto);
	free(t->text);
	*t = (struct stream){0};
}

static enum tls_flow_state fail(struct tls_flows *s, struct stream *t, const char *why)
{
	s->counts.n_failed += is_negotiating(t);
	s->counts.n_broken += !is_negotiating(t);
	snprintf(s->counts.failure, sizeof(s->counts.failure), "%s", why);
	t->phase = PHASE_OVER;
	return TLS_FLOW_FAILED;
}

static enum tls_flow_state go_up(struct tls_flows *s, struct stream *t)
{
	s->counts.n_done += t->phase != PHASE_UP;
	t->phase = PHASE_UP;
	return TLS_FLOW_UP;
}

static bool write_all(struct tls_flows *s, const struct stream *t, struct view bytes)
{
	return bytes.len == 0 ||
		tcp_write(s->config.tcp, t->conn, bytes.at, (uint32_t)bytes.len) == 0;
}

static bool seal(struct tls_flows *s, struct stream *t, struct view text)
{
	size_t n = record_sealed_bytes(&t->record, s->crypto, text.len);

	if (n > s->sealed_room) {
		free(s->sealed);
		s->sealed = malloc(n);
		s->sealed_room = s->sealed != NULL ? n : 0;
	}
	n = s->sealed != NULL ? record_seal(&t->record, s->crypto, &text, 1, s->sealed) : 0;
	return n > 0 && write_all(s, t, view_of(s->sealed, n));
}

// The handshake is done: its keys are the record layer's.
static bool go_on_with_records(struct tls_flows *s, struct stream *t)
{
	struct record_secrets secrets;
	bool good = tls_handshake_finish(t->handshake, &secrets) == 0 &&
		record_session_begin(&t->record, s->crypto, &secrets, t->role) == 0;

	record_secrets_wipe(&secrets);
	tls_handshake_free(t->handshake);
	t->handshake = NULL;
	if (!good)
		return false;
	if (t->role == RECORD_ACCEPTED) {
		go_up(s, t);
		return true;
	}
	t->phase = PHASE_UNCONFIRMED;
	return seal(s, t, VIEW(PING));
}

static enum tls_flow_state refuse(struct tls_flows *s, struct stream *t)
{
	char why[TLS_FLOW_FAILURE_BYTES];
	const char *detail = tls_handshake_detail(t->handshake);

	snprintf(why, sizeof(why), "%s%s%s", tls_refusal_text(tls_handshake_refusal(t->handshake)),
		detail[0] != '\0' ? ": " : "", detail);
	return fail(s, t, why);
}

// One step: an empty record is our first as the client.
static enum tls_flow_state step(struct tls_flows *s, struct stream *t, struct view record)
{
	enum tls_step result = tls_handshake_step(t->handshake, record);

	if (!write_all(s, t, tls_handshake_output(t->handshake)))
		return fail(s, t, "no room for the handshake");
	if (result == TLS_FAILED)
		return refuse(s, t);
	if (result == TLS_DONE && !go_on_with_records(s, t))
		return fail(s, t, "the handshake's keys are of no use");
	return t->phase == PHASE_UP ? TLS_FLOW_UP : TLS_FLOW_NEGOTIATING;
}

static enum tls_flow_state shake_hands(struct tls_flows *s, struct stream *t)
{
	enum tls_flow_state state = TLS_FLOW_NEGOTIATING;

	if (t->handshake == NULL)
		return fail(s, t, "the handshake does not begin");
	if (t->role == RECORD_OPENED && !t->has_begun) {
		t->has_begun = true;
		state = step(s, t, VIEW_NONE);
	}
	while (state == TLS_FLOW_NEGOTIATING && t->phase == PHASE_HANDSHAKE) {
		uint32_t n = tcp_copy(s->config.tcp, t->conn, 0, s->received, sizeof(s->received));
		size_t n_record;

		if (n < TLS_RECORD_HEADER_BYTES)
			break;
		n_record = TLS_RECORD_HEADER_BYTES + ((size_t)s->received[3] << 8 | s->received[4]);
		// What is longer than any record may be is judged by its beginning.
		if (n_record > n && n < sizeof(s->received))
			break;
		n_record = n_record < n ? n_record : n;
		tcp_consume(s->config.tcp, t->conn, (uint32_t)n_record);
		state = step(s, t, view_of(s->received, n_record));
	}
	return state;
}

// Room for n bytes behind the text.
static bool make_room(struct stream *t, size_t n)
{
	uint8_t *text;

	if (t->at > 0) {
		memmove(t->text, t->text + t->at, t->n - t->at);
		t->n -= t->at;
		t->at = 0;
	}
	if (t->room >= t->n + n)
		return true;
	text = realloc(t->text, t->n + n);
	if (text == NULL)
		return false;
	t->text = text;
	t->room = t->n + n;
	return true;
}

static enum tls_flow_state take(
	struct tls_flows *s, struct stream *t, const struct record_opened *opened)
{
	if (opened->n_answer > 0 && !write_all(s, t, view_of(opened->answer, opened->n_answer)))
		return fail(s, t, "no room for an answer");
	switch (opened->kind) {
	case RECORD_TEXT:
		t->n += opened->text.len;
		return go_up(s, t);
	case RECORD_DIGESTED:
		s->counts.n_peer_updates += opened->n_answer > 0;
		break;
	case RECORD_PEER_CLOSED:
		s->counts.n_failed += is_negotiating(t);
		t->phase = PHASE_CLOSED;
		return TLS_FLOW_CLOSED;
	case RECORD_PEER_FAILED:
		return fail(s, t, tls_refusal_text(tls_refusal_of_alert(opened->alert)));
	case RECORD_REFUSED:
		return fail(s, t, reason_text(opened->reason));
	case RECORD_IGNORED:
		break;
	}
	return t->phase == PHASE_UP ? TLS_FLOW_UP : TLS_FLOW_NEGOTIATING;
}

static enum tls_flow_state open_records(struct tls_flows *s, struct stream *t)
{
	enum tls_flow_state state = t->phase == PHASE_UP ? TLS_FLOW_UP : TLS_FLOW_NEGOTIATING;

	while (state != TLS_FLOW_CLOSED && state != TLS_FLOW_FAILED &&
		t->n - t->at < TEXT_BYTES_MAX) {
		uint32_t n = tcp_copy(s->config.tcp, t->conn, 0, s->received, sizeof(s->received));
		struct view record =
			view_of(s->received, record_length(&t->record, view_of(s->received, n)));
		struct record_opened opened;

		if (record.len == 0 || record.len > n)
			return state;
		if (!make_room(t, record.len))
			return fail(s, t, "out of memory");
		record_open(&t->record, s->crypto, &record, 1, t->text + t->n, &opened);
		tcp_consume(s->config.tcp, t->conn, (uint32_t)record.len);
		state = take(s, t, &opened);
	}
	return state;
}

enum tls_flow_state tls_flow_receive(struct tls_flows *s, uint32_t index)
{
	struct stream *t = &s->streams[index];
	enum tls_flow_state state = TLS_FLOW_NEGOTIATING;

	if (t->phase == PHASE_HANDSHAKE)
		state = shake_hands(s, t);
	if (t->phase == PHASE_UNCONFIRMED || t->phase == PHASE_UP)
		return open_records(s, t);
	if (t->phase == PHASE_CLOSED)
		return TLS_FLOW_CLOSED;
	return t->phase == PHASE_HANDSHAKE ? state : TLS_FLOW_FAILED;
}

struct view tls_flow_text(const struct tls_flows *s, uint32_t index)
{
	const struct stream *t = &s->streams[index];

	return t->text != NULL ? view_of(t->text + t->at, t->n - t->at) : VIEW_NONE;
}

void tls_flow_consume(struct tls_flows *s, uint32_t index, size_t n_bytes)
{
	s->streams[index].at += n_bytes;
}

int tls_flow_write(struct tls_flows *s, uint32_t index, struct view text)
{
	struct stream *t = &s->streams[index];
	int error;

	if (t->phase != PHASE_UP && t->phase != PHASE_CLOSED)
		return -EPIPE;
	// What is sealed must be sent.
	error = tcp_check_room(s->config.tcp, t->conn,
		(uint32_t)record_sealed_bytes(&t->record, s->crypto, text.len));
	if (error < 0)
		return error;
	return seal(s, t, text) ? 0 : -EPIPE;
}

bool tls_flow_update(struct tls_flows *s, uint32_t index, enum record_update which)
{
	struct stream *t = &s->streams[index];
	uint8_t out[RECORD_ANSWER_BYTES];
	size_t n;

	if (t->phase != PHASE_UP || tcp_check_room(s->config.tcp, t->conn, sizeof(out)) < 0)
		return false;
	n = record_update(&t->record, s->crypto, which, out);
	s->counts.n_updates += n > 0;
	return n > 0 && write_all(s, t, view_of(out, n));
}

void tls_flow_say_goodbye(struct tls_flows *s, uint32_t index)
{
	struct stream *t = &s->streams[index];
	uint8_t out[RECORD_ANSWER_BYTES];

	if (t->record.version != RECORD_VERSION_NONE)
		write_all(s, t, view_of(out, record_close(&t->record, s->crypto, out)));
}

const struct tls_flows_counts *tls_flows_counts(const struct tls_flows *s)
{
	return &s->counts;
}
