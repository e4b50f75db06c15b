// SPDX-License-Identifier: BSD-3-Clause

#include "tests/script/calls.h"

#include <errno.h>
#include <string.h>

#define MS UINT64_C(1000000)

static bool is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static enum reason reason_of(struct player *p, const char *name)
{
	for (unsigned r = 0; r < REASON_N; r++) {
		if (is(reason_name((enum reason)r), name))
			return (enum reason)r;
	}
	player_fail(p, "no such reason: %s", name);
}

static void expect_errno(struct player *p, const struct source_line *line, unsigned at, int got)
{
	static const struct {
		const char *name;
		int value;
	} errors[] = {{"EADDRINUSE", EADDRINUSE}, {"EEXIST", EEXIST}, {"EINVAL", EINVAL},
		{"ENOBUFS", ENOBUFS}, {"ENOSPC", ENOSPC}, {"EPIPE", EPIPE}};
	int expected = 0;

	if (line->n_words > at) {
		if (!is(line->words[at], "error"))
			player_fail(p, "expected: error NAME");
		for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
			if (is(errors[i].name, player_word(p, line, at + 1)))
				expected = errors[i].value;
		}
		if (expected == 0)
			player_fail(p, "no such error");
	}
	if (got != -expected)
		player_fail(p, "it gave %d (%s)", got, strerror(-got));
}

// listen [mtu N] [error NAME]
void act_listen(struct player *p, const struct source_line *line)
{
	unsigned at = 1;
	uint16_t mtu = 1500;

	if (line->n_words > 2 && is(line->words[1], "mtu")) {
		mtu = (uint16_t)player_number_at(p, line, 2);
		at = 3;
	}
	expect_errno(p, line, at, tcp_listen(p->world->tcp, &p->peer->local, mtu, WORLD_LISTENER));
}

void act_unlisten(struct player *p, const struct source_line *line)
{
	(void)line;
	tcp_unlisten(p->world->tcp, WORLD_LISTENER);
}

// open [mtu N] [error NAME]
void act_open(struct player *p, const struct source_line *line)
{
	struct peer *peer = p->peer;
	unsigned at = 1;
	uint16_t mtu = 1500;
	tcp_conn_id id = 0;
	int got;

	if (line->n_words > 2 && is(line->words[1], "mtu")) {
		mtu = (uint16_t)player_number_at(p, line, 2);
		at = 3;
	}
	got = tcp_open(p->world->tcp, &peer->local, &peer->remote, mtu, WORLD_LISTENER,
		p->world->now, &id);
	expect_errno(p, line, at, got);
	if (got != 0)
		return;
	peer->id = id;
	peer->has_id = true;
	peer->closed = false;
	if (!tcp_set_user(p->world->tcp, id, peer->number + 1))
		player_fail(p, "the id of a new connection is not valid");
	world_settle(p->world);
}

// write N [error NAME]
void act_write(struct player *p, const struct source_line *line)
{
	int64_t n = player_number_at(p, line, 1);
	int got;

	if (n < 0 || n > (int64_t)sizeof(p->bytes))
		player_fail(p, "too much at once");
	for (int64_t i = 0; i < n; i++)
		p->bytes[i] = world_engine_byte(p->peer->n_written + (uint32_t)i);
	got = tcp_write(p->world->tcp, p->peer->id, p->bytes, (uint32_t)n);
	if (got == 0)
		p->peer->n_written += (uint32_t)n;
	expect_errno(p, line, 2, got);
	world_settle(p->world);
}

static void check_bytes(struct player *p, const uint8_t *at, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (at[i] != world_peer_byte(p->peer->n_read + i))
			player_fail(
				p, "byte %u of what was read is another one", p->peer->n_read + i);
	}
}

// read N: copied, and looked at piece by piece, which must be the same.
void act_read(struct player *p, const struct source_line *line)
{
	struct tcp *t = p->world->tcp;
	struct peer *peer = p->peer;
	int64_t n = player_number_at(p, line, 1);
	uint32_t readable = tcp_readable(t, peer->id);

	if (n < 0 || n > (int64_t)sizeof(p->bytes) || n > readable)
		player_fail(p, "only %u bytes can be read", readable);
	if (tcp_copy(t, peer->id, 0, p->bytes, (uint32_t)n) != n)
		player_fail(p, "tcp_copy() gives less than is readable");
	check_bytes(p, p->bytes, (uint32_t)n);
	for (uint32_t left = (uint32_t)n; left > 0;) {
		struct view piece = tcp_peek(t, peer->id);
		uint32_t take = piece.len < left ? (uint32_t)piece.len : left;

		if (take == 0)
			player_fail(p, "tcp_peek() gives nothing of what is readable");
		check_bytes(p, piece.at, take);
		tcp_consume(t, peer->id, take);
		peer->n_read += take;
		left -= take;
	}
	if (tcp_readable(t, peer->id) != readable - (uint32_t)n)
		player_fail(p, "tcp_readable() is not less by what was read");
	world_settle(p->world);
}

void act_isn(struct player *p, const struct source_line *line)
{
	if (!p->peer->engine_isn_known)
		player_fail(p, "the engine has sent no SYN");
	if (!value_set(&p->values, player_word(p, line, 1), p->peer->engine_isn))
		player_fail(p, "not a name");
}

static void expect_number(struct player *p, const char *word, int64_t got)
{
	int64_t low, high;

	if (!value_read_range(&p->values, word, &low, &high))
		player_fail(p, "not a number: %s", word);
	if (got < low || got > high)
		player_fail(p, "it is %lld", (long long)got);
}

void act_readable(struct player *p, const struct source_line *line)
{
	expect_number(p, player_word(p, line, 1), tcp_readable(p->world->tcp, p->peer->id));
}

void act_room(struct player *p, const struct source_line *line)
{
	expect_number(p, player_word(p, line, 1), tcp_room(p->world->tcp, p->peer->id));
}

void act_unacked(struct player *p, const struct source_line *line)
{
	expect_number(p, player_word(p, line, 1), tcp_unacked(p->world->tcp, p->peer->id));
}

void act_close(struct player *p, const struct source_line *line)
{
	(void)line;
	tcp_close(p->world->tcp, p->peer->id, p->world->now);
	world_settle(p->world);
}

void act_abort(struct player *p, const struct source_line *line)
{
	(void)line;
	tcp_abort(p->world->tcp, p->peer->id, REASON_tcp_aborted);
	world_settle(p->world);
}

// event [within MS] opened|readable|writable|finished|closed REASON
void act_event(struct player *p, const struct source_line *line)
{
	static const struct {
		const char *name;
		uint8_t bit;
	} names[] = {{"opened", TCP_OPENED}, {"readable", TCP_READABLE}, {"writable", TCP_WRITABLE},
		{"finished", TCP_PEER_FINISHED}, {"closed", TCP_CLOSED}};
	bool within = is(player_word(p, line, 1), "within"), no = is(line->words[1], "no");
	unsigned at = within ? 3 : no ? 2 : 1;
	uint64_t end = p->world->now + (within ? (uint64_t)player_number_at(p, line, 2) * MS : 0);
	uint8_t bit = 0;

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (is(player_word(p, line, at), names[i].name))
			bit = names[i].bit;
	}
	if (bit == 0)
		player_fail(p, "no such event");
	while ((p->peer->events & bit) == 0 && player_tick(p, end))
		;
	if (((p->peer->events & bit) != 0) == no)
		player_fail(p, no ? "it came" : "no such event came");
	p->peer->events &= (uint8_t)~bit;
	if (bit == TCP_CLOSED && !no && !is(player_word(p, line, at + 1), "any") &&
		p->peer->reason != reason_of(p, player_word(p, line, at + 1)))
		player_fail(p, "the reason is %s", reason_name(p->peer->reason));
}

// The state of the peer's connection; TIME_WAIT and those not yet reported are told by tcp_usage().
static uint8_t state_now(struct player *p, const char **name)
{
	struct tcp_usage usage;
	struct tcp_status info;

	tcp_usage(p->world->tcp, &usage);
	*name = "gone";
	if (p->peer->has_id && tcp_describe(p->world->tcp, p->peer->id, &info)) {
		*name = tcp_state_name((enum tcp_state)info.state);
		return info.state;
	}
	if (!p->peer->has_id && usage.n_half_open > 0) {
		*name = "SYN_RECEIVED";
		return TCP_STATE_SYN_RECEIVED;
	}
	if (usage.n_time_waits > 0) {
		*name = "TIME_WAIT";
		return TCP_STATE_TIME_WAIT;
	}
	return TCP_STATE_CLOSED;
}

// state NAME | gone
void act_state(struct player *p, const struct source_line *line)
{
	const char *name;

	state_now(p, &name);
	if (!is(name, player_word(p, line, 1)))
		player_fail(p, "it is %s", name);
}

void act_remember(struct player *p, const struct source_line *line)
{
	const char *name;

	(void)line;
	p->remembered = state_now(p, &name);
}

void act_unchanged(struct player *p, const struct source_line *line)
{
	const char *name;

	(void)line;
	if (state_now(p, &name) != p->remembered)
		player_fail(p, "it was %s and is %s", tcp_state_name((enum tcp_state)p->remembered),
			name);
}

// info mss|rto|srtt|cwnd|ssthresh|retransmitted VALUE
void act_info(struct player *p, const struct source_line *line)
{
	const char *what = player_word(p, line, 1);
	struct tcp_status i;

	if (!tcp_describe(p->world->tcp, p->peer->id, &i))
		player_fail(p, "the connection is gone");
	if (is(what, "mss"))
		expect_number(p, player_word(p, line, 2), i.mss);
	else if (is(what, "rto"))
		expect_number(p, player_word(p, line, 2), i.rto_ms);
	else if (is(what, "srtt"))
		expect_number(p, player_word(p, line, 2), i.srtt_us);
	else if (is(what, "cwnd"))
		expect_number(p, player_word(p, line, 2), i.cwnd_bytes);
	else if (is(what, "ssthresh"))
		expect_number(p, player_word(p, line, 2), i.ssthresh_bytes);
	else if (is(what, "retransmitted"))
		expect_number(p, player_word(p, line, 2), i.n_retransmitted);
	else
		player_fail(p, "no such figure");
}

// usage conns|half_open|time_waits|chunks VALUE
void act_usage(struct player *p, const struct source_line *line)
{
	const char *what = player_word(p, line, 1);
	struct tcp_usage u;

	tcp_usage(p->world->tcp, &u);
	if (is(what, "conns"))
		expect_number(p, player_word(p, line, 2), u.n_conns);
	else if (is(what, "half_open"))
		expect_number(p, player_word(p, line, 2), u.n_half_open);
	else if (is(what, "time_waits"))
		expect_number(p, player_word(p, line, 2), u.n_time_waits);
	else if (is(what, "chunks"))
		expect_number(p, player_word(p, line, 2), u.n_chunks);
	else
		player_fail(p, "no such figure");
}

// total NAME: how many segments the engine has sent so far.
void act_total(struct player *p, const struct source_line *line)
{
	if (!value_set(&p->values, player_word(p, line, 1), (int64_t)p->world->n_total))
		player_fail(p, "not a name");
}

// expect VALUE RANGE [RANGE ...]: modulo 2^32, as a signed number; one of the ranges is right.
void act_expect(struct player *p, const struct source_line *line)
{
	int32_t got = (int32_t)(uint32_t)player_number_at(p, line, 1);

	for (unsigned i = 2; i < line->n_words; i++) {
		int64_t low, high;

		if (!value_read_range(&p->values, line->words[i], &low, &high))
			player_fail(p, "not a number: %s", line->words[i]);
		if (got >= low && got <= high)
			return;
	}
	player_fail(p, "it is %d", got);
}

// counted REASON [N]: how the last segments in were counted.
void act_counted(struct player *p, const struct source_line *line)
{
	enum reason r = reason_of(p, player_word(p, line, 1));

	expect_number(p, line->n_words > 2 ? line->words[2] : "1",
		(int64_t)(p->world->counters[r] - p->world->before[r]));
}

// icmp too_big|unreachable seq N [mtu N]
void act_icmp(struct player *p, const struct source_line *line)
{
	struct tcp_icmp_error e = {.local = p->peer->local, .remote = p->peer->remote};

	e.kind = is(player_word(p, line, 1), "too_big") ? TCP_ICMP_TOO_BIG : TCP_ICMP_UNREACHABLE;
	if (e.kind == TCP_ICMP_UNREACHABLE && !is(line->words[1], "unreachable"))
		player_fail(p, "no such error");
	if (!is(player_word(p, line, 2), "seq"))
		player_fail(p, "seq is missing");
	e.seq = p->peer->engine_isn + (uint32_t)player_number_at(p, line, 3);
	if (line->n_words > 4)
		e.mtu = (uint32_t)player_number_at(p, line, 5);
	tcp_icmp_input(p->world->tcp, &e, p->world->now);
	world_settle(p->world);
}
