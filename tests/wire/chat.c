// SPDX-License-Identifier: BSD-3-Clause

#include "tests/wire/chat.h"

#include "tests/sim/random.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define STEP_BYTES    65536
#define STEPS_MAX     16 // a turn, so that others have theirs
#define NEVER         UINT64_MAX
#define MESSAGE_MAX   2048
#define DELAYS_MAX    10000000
#define KEY_DOWN      0x80000000u // what the server sends is another stream
#define BYTES_AT_ONCE 8

_Static_assert(sizeof(struct chat_request) == CHAT_REQUEST_BYTES, "both ends run on one machine");
_Static_assert(sizeof(struct chat_delays) == CHAT_DELAYS_BYTES, "as above");

static uint8_t scratch[STEP_BYTES], expected[STEP_BYTES + BYTES_AT_ONCE];

// n_bytes ≤ STEP_BYTES of stream `key` from an offset on; the first of them.
static const uint8_t *known_bytes(uint32_t key, uint64_t offset, uint32_t n_bytes)
{
	uint64_t word = offset / BYTES_AT_ONCE;
	uint32_t skipped = (uint32_t)(offset % BYTES_AT_ONCE);

	for (uint32_t i = 0; i < skipped + n_bytes; i += BYTES_AT_ONCE, word++) {
		uint64_t bytes = rng_mix((uint64_t)key << 32 ^ word);

		memcpy(expected + i, &bytes, sizeof(bytes));
	}
	return expected + skipped;
}

static void wrong(struct chat *c, const char *why)
{
	if (c->outcome != CHAT_GOES_ON)
		return;
	c->outcome = CHAT_WRONG;
	c->why = why;
	c->ops->reset(c->stream);
}

void chat_begin(struct chat *c, const struct chat_stream *ops, void *stream,
	const struct chat_request *request, uint64_t now)
{
	memset(c, 0, sizeof(*c));
	c->ops = ops;
	c->stream = stream;
	c->started_ns = now;
	c->next_ns = NEVER;
	if (request != NULL) {
		c->is_client = true;
		c->has_request = true;
		c->request = *request;
		memcpy(c->head, request, sizeof(*request));
	}
}

void chat_end(struct chat *c)
{
	free(c->delays);
	c->delays = NULL;
}

// The server's first bytes.
static void read_request(struct chat *c)
{
	c->n_received_head += c->ops->read(c->stream, c->head + c->n_received_head,
		(uint32_t)(CHAT_REQUEST_BYTES - c->n_received_head));
	if (c->n_received_head < CHAT_REQUEST_BYTES) {
		if (c->ops->at_end(c->stream))
			wrong(c, "no request");
		return;
	}
	memcpy(&c->request, c->head, sizeof(c->request));
	c->has_request = true;
	if (c->request.kind >= CHAT_KINDS || c->request.message_bytes > MESSAGE_MAX ||
		(c->request.kind == CHAT_THIN && c->request.message_bytes < 8)) {
		wrong(c, "a request that is none");
		return;
	}
	if (c->request.kind == CHAT_THIN) {
		c->n_delays_max = c->request.n_up / c->request.message_bytes;
		if (c->n_delays_max > DELAYS_MAX)
			c->n_delays_max = DELAYS_MAX;
		c->delays = calloc(c->n_delays_max + 1, sizeof(*c->delays));
	}
}

// Which of our bytes may go out by now.
static uint64_t may_send(struct chat *c, uint64_t now)
{
	const struct chat_request *r = &c->request;
	uint64_t n, due;

	if (!c->is_client) {
		bool waits = r->kind == CHAT_AFTER_FIN || r->kind == CHAT_THIN;

		return waits && !c->ops->at_end(c->stream) ? 0 : r->n_down;
	}
	if (r->kind != CHAT_THIN || r->messages_per_s == 0)
		return r->n_up;
	n = (now - c->started_ns) * r->messages_per_s / 1000000000 + 1;
	due = n * r->message_bytes;
	if (due >= r->n_up)
		return r->n_up;
	c->next_ns = c->started_ns + n * 1000000000 / r->messages_per_s + 1;
	return due;
}

// Messages carry the time at which they were due in their first bytes.
static const uint8_t *thin_bytes(const struct chat *c, uint32_t *n_bytes)
{
	const struct chat_request *r = &c->request;
	uint64_t number = c->n_sent / r->message_bytes;
	uint32_t at = (uint32_t)(c->n_sent % r->message_bytes);
	uint64_t due = c->started_ns + number * 1000000000 / r->messages_per_s;

	memset(scratch, 0, r->message_bytes);
	memcpy(scratch, &due, sizeof(due));
	*n_bytes = *n_bytes < r->message_bytes - at ? *n_bytes : r->message_bytes - at;
	return scratch + at;
}

static bool send_some(struct chat *c, uint64_t now)
{
	uint64_t until = may_send(c, now);
	const uint8_t *bytes;
	uint32_t n, taken;

	if (c->is_client && c->n_received_head < CHAT_REQUEST_BYTES) {
		c->n_received_head += c->ops->write(c->stream, c->head + c->n_received_head,
			(uint32_t)(CHAT_REQUEST_BYTES - c->n_received_head));
		return c->n_received_head == CHAT_REQUEST_BYTES;
	}
	if (c->n_sent >= until)
		return false;
	n = until - c->n_sent < STEP_BYTES ? (uint32_t)(until - c->n_sent) : STEP_BYTES;
	if (c->is_client && c->request.kind == CHAT_THIN)
		bytes = thin_bytes(c, &n);
	else if (!c->is_client && c->request.kind == CHAT_THIN)
		bytes = (const uint8_t *)&c->told + c->n_sent;
	else
		bytes = known_bytes(c->request.key | (c->is_client ? 0 : KEY_DOWN), c->n_sent, n);
	taken = c->ops->write(c->stream, bytes, n);
	c->n_sent += taken;
	return taken == n;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void tell_delays(struct chat *c)
{
	qsort(c->delays, c->n_delays, sizeof(*c->delays), compare);
	c->told.n = c->n_delays;
	if (c->n_delays == 0)
		return;
	c->told.p50_ns = c->delays[c->n_delays / 2];
	c->told.p99_ns = c->delays[c->n_delays * 99 / 100];
	c->told.max_ns = c->delays[c->n_delays - 1];
}

// A message is there when its last byte is.
static void take_thin(struct chat *c, const uint8_t *bytes, uint32_t n, uint64_t now)
{
	uint32_t size = c->request.message_bytes;

	for (uint32_t i = 0; i < n; i++, c->n_received++) {
		uint32_t at = (uint32_t)(c->n_received % size);
		uint64_t due;

		if (at < 8)
			c->head[at] = bytes[i];
		if (at + 1 < size || c->n_delays == c->n_delays_max)
			continue;
		memcpy(&due, c->head, sizeof(due));
		c->delays[c->n_delays++] = now > due ? now - due : 0;
	}
}

static bool take_some(struct chat *c, uint64_t now)
{
	uint64_t all = c->is_client ? c->request.n_down : c->request.n_up;
	uint32_t n = c->ops->read(c->stream, scratch, STEP_BYTES);

	if (n == 0)
		return false;
	if (c->n_received + n > all) {
		wrong(c, "more bytes than were sent");
	} else if (!c->is_client && c->request.kind == CHAT_THIN) {
		take_thin(c, scratch, n, now);
	} else if (c->is_client && c->request.kind == CHAT_THIN) {
		memcpy((uint8_t *)&c->told + c->n_received, scratch, n);
		c->n_received += n;
	} else {
		uint32_t key = c->request.key | (c->is_client ? KEY_DOWN : 0);

		if (memcmp(scratch, known_bytes(key, c->n_received, n), n) != 0)
			wrong(c, "wrong bytes");
		c->n_received += n;
	}
	return c->outcome == CHAT_GOES_ON;
}

// Whether the server leaves the bytes where they are for now.
static bool stalls(struct chat *c, uint64_t now)
{
	uint64_t until = c->started_ns + c->request.stall_ms * 1000000ull;

	if (c->is_client || c->request.kind != CHAT_STALL || now >= until)
		return false;
	c->next_ns = until;
	return true;
}

static void finish_when_done(struct chat *c)
{
	uint64_t n_ours = c->is_client ? c->request.n_up : c->request.n_down;
	bool waits = !c->is_client && c->request.kind != CHAT_EXCHANGE;

	if (c->finished || c->n_sent < n_ours || c->n_received_head < CHAT_REQUEST_BYTES)
		return;
	if (waits && !c->ops->at_end(c->stream))
		return;
	c->finished = true;
	c->ops->finish(c->stream);
}

void chat_step(struct chat *c, uint64_t now)
{
	c->next_ns = NEVER;
	if (c->outcome != CHAT_GOES_ON)
		return;
	if (!c->has_request)
		read_request(c);
	if (!c->has_request || c->outcome != CHAT_GOES_ON)
		return;
	if (!stalls(c, now)) {
		for (unsigned i = 0; i < STEPS_MAX && take_some(c, now); i++)
			c->next_ns = i + 1 == STEPS_MAX ? now : NEVER;
	}
	if (!c->is_client && c->request.kind == CHAT_RESET &&
		c->n_received * 2 >= c->request.n_up) {
		c->outcome = CHAT_RIGHT;
		c->ops->reset(c->stream);
		return;
	}
	if (!c->is_client && c->request.kind == CHAT_THIN && c->n_sent == 0 && c->told.n == 0 &&
		c->ops->at_end(c->stream))
		tell_delays(c);
	for (unsigned i = 0; i < STEPS_MAX && send_some(c, now); i++) {
		if (i + 1 == STEPS_MAX)
			c->next_ns = now;
	}
	finish_when_done(c);
	if (c->ops->at_end(c->stream) && c->finished) {
		uint64_t all = c->is_client ? c->request.n_down : c->request.n_up;

		if (c->n_received != all || c->request.kind == CHAT_RESET)
			wrong(c, "the stream ended early");
		else
			c->outcome = CHAT_RIGHT;
	}
}

void chat_gone(struct chat *c, bool by_reset, const char *why)
{
	if (c->outcome != CHAT_GOES_ON)
		return;
	c->was_reset = by_reset;
	c->outcome = CHAT_WRONG;
	c->why = why;
	if (by_reset && c->is_client && c->request.kind == CHAT_RESET) {
		c->outcome = CHAT_RIGHT;
		c->why = NULL;
	}
}
