// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/control/session/world.h"

#include "tests/unit/lib/link/honest.h"
#include "tests/unit/test.h"

#include <errno.h>

static int say(void *arg, unsigned worker, struct link_message *m)
{
	struct world *w = arg;

	assert_true(worker < 2);
	m->epoch = HONEST_EPOCH;
	assert_null(link_message_check(m, LINK_TO_WORKER, HONEST_EPOCH));
	if (w->room == 0)
		return -ENOSPC;
	w->room--;
	assert_true(w->n_said < SAID_MAX);
	w->said_to[w->n_said] = worker;
	link_message_copy(&w->said[w->n_said++], m);
	return 0;
}

static bool is_ready(void *arg)
{
	return !((struct world *)arg)->unready;
}

static enum reason admit(void *arg, const struct link_session_opened *opened, uint64_t now_ns)
{
	struct world *w = arg;

	assert_int_not_equal(opened->conn, 0);
	assert_int_equal(now_ns, w->now);
	return w->admits;
}

static bool begin(void *arg, uint64_t id, unsigned worker, const struct link_session_opened *opened)
{
	struct world *w = arg;

	(void)worker;
	(void)opened;
	w->n_begun += w->begins;
	w->begun = id;
	return w->begins;
}

static void step(void *arg, uint64_t id, struct view record)
{
	struct world *w = arg;

	w->n_stepped++;
	w->stepped = id;
	memcpy(w->record, record.at, record.len);
	w->n_record = record.len;
}

static void drop(void *arg, uint64_t id)
{
	struct world *w = arg;

	w->n_dropped++;
	w->dropped = id;
}

static enum reason judge(void *arg, const struct card *card)
{
	const struct world *w = arg;

	assert_true(card->n_names > 0);
	return w->judges;
}

static void established(void *arg, const struct session_row *row)
{
	struct world *w = arg;

	w->n_established++;
	w->row = *row;
}

static void ended(void *arg, const struct session_row *row, enum reason reason, uint8_t alert)
{
	struct world *w = arg;

	w->n_ended++;
	w->row = *row;
	w->reason = reason;
	w->alert = alert;
}

int world_setup(void **state)
{
	static const struct sessions_host host = {
		say, is_ready, admit, begin, step, drop, judge, established, ended};
	static const struct sessions_config config = {N_MAX, N_SHAKING, 42};
	struct world *w = calloc(1, sizeof(*w));

	w->now = 1000 * MS;
	w->room = SAID_MAX;
	w->begins = true;
	w->sessions = sessions_new(&config, &host, w);
	assert_non_null(w->sessions);
	sessions_attached(w->sessions, 1, w->now);
	// A worker without sessions.
	world_said(w, 0, LINK_SESSIONS_WANTED);
	world_end_list(w, 0, false);
	assert_true(sessions_are_known(w->sessions));
	world_forget(w);
	*state = w;
	return 0;
}

int world_teardown(void **state)
{
	struct world *w = *state;

	sessions_free(w->sessions);
	// Every handshake that began was dropped, once.
	assert_int_equal(w->n_begun, w->n_dropped);
	free(w);
	return 0;
}

void world_hear_from(struct world *w, unsigned worker, struct link_message *m)
{
	m->epoch = HONEST_EPOCH;
	assert_null(link_message_check(m, LINK_TO_CONTROL, HONEST_EPOCH));
	sessions_hear(w->sessions, worker, m, w->now);
}

void world_hear(struct world *w, struct link_message *m)
{
	world_hear_from(w, 0, m);
}

void world_open(struct world *w, uint64_t conn, enum record_role role)
{
	struct link_message m;

	honest_message(&m, LINK_SESSION_OPENED);
	m.session_opened.conn = conn;
	m.session_opened.role = (uint8_t)role;
	if (role == RECORD_ACCEPTED)
		memset(&m.session_opened.target, 0, sizeof(m.session_opened.target));
	world_hear(w, &m);
}

void world_show(
	struct world *w, uint64_t conn, uint32_t offset, const void *bytes, size_t n, bool last)
{
	struct link_message m;

	link_message_init(&m, LINK_SESSION_BYTES);
	m.session_bytes.conn = conn;
	m.session_bytes.offset = offset;
	m.session_bytes.last = last;
	assert_true(link_message_append(&m, bytes, n));
	world_hear(w, &m);
}

void world_show_record(struct world *w, uint64_t conn, uint32_t offset, uint16_t n)
{
	uint8_t bytes[LINK_BYTES_MAX] = {22, 3, 3, (uint8_t)(n >> 8), (uint8_t)n};

	world_show(w, conn, offset, bytes, 5U + n, true);
}

void world_end(struct world *w, uint64_t conn, enum reason reason, bool was_established)
{
	struct link_message m;

	honest_message(&m, LINK_SESSION_ENDED);
	m.session_ended.conn = conn;
	m.session_ended.reason = (uint16_t)reason;
	m.session_ended.alert = RECORD_ALERT_NONE;
	m.session_ended.was_established = was_established;
	world_hear(w, &m);
}

void world_list(struct world *w, uint64_t conn, uint64_t card)
{
	struct link_message m;

	honest_message(&m, LINK_SESSION_IS);
	m.session_is.conn = conn;
	m.session_is.card = card;
	m.session_is.n_received = 5;
	m.session_is.since_ms = 400;
	world_hear(w, &m);
}

void world_end_list(struct world *w, uint32_t cursor, bool more)
{
	struct link_message m;

	honest_message(&m, LINK_SESSIONS_END);
	m.sessions_end.cursor = cursor;
	m.sessions_end.more = more;
	world_hear(w, &m);
}

void world_tell_card(struct world *w, uint64_t name)
{
	struct link_message m;

	honest_message(&m, LINK_CARD);
	m.card.card = name;
	world_hear(w, &m);
}

void world_go_on(struct world *w, uint64_t id, const char *output)
{
	struct session_result r = {
		.id = id, .outcome = SESSION_GOES_ON, .output = view_string(output)};

	sessions_take(w->sessions, &r, w->now);
}

void world_done(struct world *w, uint64_t id, const char *output, uint64_t name)
{
	struct record_secrets secrets;
	struct card card;
	struct session_result r = {.id = id,
		.outcome = SESSION_DONE,
		.output = view_string(output),
		.card = name,
		.is = &card,
		.secrets = &secrets};

	honest_secrets(&secrets);
	honest_card(&card);
	sessions_take(w->sessions, &r, w->now);
}

void world_fail(struct world *w, uint64_t id, const char *output)
{
	struct session_result r = {.id = id,
		.outcome = SESSION_FAILED,
		.output = view_string(output),
		.reason = REASON_session_refused};

	sessions_take(w->sessions, &r, w->now);
}

void world_establish(struct world *w, uint64_t conn)
{
	world_open(w, conn, RECORD_ACCEPTED);
	world_show_record(w, conn, 0, 3);
	world_done(w, w->stepped, "", 9);
	world_forget(w);
}

const struct link_message *world_said(const struct world *w, unsigned i, enum link_type type)
{
	assert_true(i < w->n_said);
	assert_int_equal(w->said[i].type, type);
	return &w->said[i];
}

void world_forget(struct world *w)
{
	w->n_said = 0;
}

static void count(void *arg, const struct session_row *row)
{
	unsigned *n = arg;

	(void)row;
	(*n)++;
}

unsigned world_count(const struct world *w)
{
	unsigned n = 0;

	sessions_each(w->sessions, w->now, count, &n);
	return n;
}

struct search {
	uint64_t conn;
	struct session_row found;
};

static void look(void *arg, const struct session_row *row)
{
	struct search *s = arg;

	if (row->conn == s->conn)
		s->found = *row;
}

struct session_row world_row(const struct world *w, uint64_t conn)
{
	struct search s = {.conn = conn};

	sessions_each(w->sessions, w->now, look, &s);
	return s.found;
}
