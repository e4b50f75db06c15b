// SPDX-License-Identifier: BSD-3-Clause

#include "tests/bench/peer_stream.h"

#include "tests/bench/control_end.h"

#include <stdio.h>
#include <stdlib.h>

__attribute__((noreturn)) static void give_up(const char *what)
{
	fprintf(stderr, "bench: peers: %s\n", what);
	exit(1);
}

void peer_stream_begin(struct peer_stream *s, struct tcp *tcp, struct record_crypto *crypto,
	tcp_conn_id conn, enum record_role role, bool reads)
{
	struct record_secrets secrets;

	*s = (struct peer_stream){.tcp = tcp, .crypto = crypto, .conn = conn};
	control_end_secrets(role, &secrets);
	if (crypto != NULL && record_session_begin(&s->session, crypto, &secrets, role) < 0)
		give_up("no session");
	if (reads && (s->text = malloc(PEER_STREAM_BYTES)) == NULL)
		give_up("no memory");
}

void peer_stream_end(struct peer_stream *s)
{
	if (s->crypto != NULL)
		record_session_end(&s->session, s->crypto);
	free(s->text);
}

void peer_stream_write(struct peer_stream *s, const void *bytes, size_t n_bytes)
{
	uint8_t sealed[RECORD_BYTES_MAX + RECORD_ANSWER_BYTES];
	struct view text = view_of(bytes, n_bytes);

	if (s->crypto != NULL)
		text = view_of(sealed, record_seal(&s->session, s->crypto, &text, 1, sealed));
	if (text.len == 0 || tcp_write(s->tcp, s->conn, text.at, (uint32_t)text.len) < 0)
		give_up("the relay does not read");
}

static void need_room(const struct peer_stream *s, size_t n)
{
	if (s->n + n > PEER_STREAM_BYTES)
		give_up("a message that does not end");
}

static void read_plain(struct peer_stream *s)
{
	uint32_t n = tcp_readable(s->tcp, s->conn);

	need_room(s, n);
	tcp_copy(s->tcp, s->conn, 0, s->text + s->n, n);
	tcp_consume(s->tcp, s->conn, n);
	s->n += n;
}

// False: the next record is not all there.
static bool read_record(struct peer_stream *s)
{
	uint8_t record[RECORD_BYTES_MAX];
	struct record_opened opened;
	uint32_t n = tcp_copy(s->tcp, s->conn, 0, record, sizeof(record));
	struct view in = view_of(record, record_length(&s->session, view_of(record, n)));

	if (in.len == 0 || in.len > n)
		return false;
	need_room(s, RECORD_OPEN_BYTES);
	record_open(&s->session, s->crypto, &in, 1, s->text + s->n, &opened);
	tcp_consume(s->tcp, s->conn, (uint32_t)in.len);
	if (opened.kind != RECORD_TEXT)
		give_up("a record that is no text");
	s->n += opened.text.len;
	return true;
}

void peer_stream_read(struct peer_stream *s)
{
	if (s->crypto == NULL) {
		read_plain(s);
		return;
	}
	while (read_record(s))
		;
}

void peer_stream_take(struct peer_stream *s, size_t n)
{
	memmove(s->text, s->text + n, s->n - n);
	s->n -= n;
}
