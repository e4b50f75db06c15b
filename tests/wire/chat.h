// SPDX-License-Identifier: BSD-3-Clause
// What two test programs say to each other over one stream, whichever stack is below: the client
// asks for a kind of exchange in its first bytes, then both send bytes that the other one knows
// beforehand. The same code runs over our engine and over Linux's sockets, so either may be at
// either end.

#pragma once

#include <stdbool.h>
#include <stdint.h>

enum chat_kind {
	CHAT_EXCHANGE,  // both send at the same time
	CHAT_AFTER_FIN, // the server sends only after the client's FIN: half-closed
	CHAT_RESET,     // the server resets in the middle
	CHAT_STALL,     // the server reads nothing for a while: zero window
	CHAT_THIN,      // short messages with their time; the server answers how late they were
	CHAT_KINDS,
};

struct chat_request {
	uint32_t key; // what the bytes are made of
	uint32_t kind;
	uint64_t n_up, n_down; // bytes after the request, and of the server
	uint32_t stall_ms;
	uint32_t message_bytes, messages_per_s; // of CHAT_THIN
};
#define CHAT_REQUEST_BYTES 40

// How late messages were, as the server of CHAT_THIN answers: four numbers of eight bytes.
struct chat_delays {
	uint64_t n, p50_ns, p99_ns, max_ns;
};
#define CHAT_DELAYS_BYTES 32

// What a stream can do. None blocks.
struct chat_stream {
	// Takes up to n_bytes: how many.
	uint32_t (*write)(void *stream, const uint8_t *bytes, uint32_t n_bytes);
	uint32_t (*read)(void *stream, uint8_t *bytes, uint32_t n_bytes);
	bool (*at_end)(void *stream); // all is read, and the peer has finished
	void (*finish)(void *stream); // no more from us
	void (*reset)(void *stream);
};

enum chat_outcome {
	CHAT_GOES_ON,
	CHAT_RIGHT,
	CHAT_WRONG,
};

struct chat {
	const struct chat_stream *ops;
	void *stream;
	bool is_client, has_request, finished, was_reset;
	struct chat_request request;
	uint8_t head[CHAT_REQUEST_BYTES]; // of the request on its way, or of the delays
	uint64_t n_sent, n_received, n_received_head;
	uint64_t started_ns, next_ns; // next: nothing to do before
	uint64_t *delays;             // of CHAT_THIN, n_delays_max of them
	uint64_t n_delays, n_delays_max;
	struct chat_delays told;
	enum chat_outcome outcome;
	const char *why; // of CHAT_WRONG
};

// request: of a client; NULL for a server.
void chat_begin(struct chat *c, const struct chat_stream *ops, void *stream,
	const struct chat_request *request, uint64_t now);
// Does what can be done now: to be called after every event of the stream and at next_ns.
void chat_step(struct chat *c, uint64_t now);
// The stream is gone; by_reset: not by both sides' FIN. Decides the outcome.
void chat_gone(struct chat *c, bool by_reset, const char *why);
void chat_end(struct chat *c); // gives memory back
