// SPDX-License-Identifier: BSD-3-Clause
// The attachment: what control and the dataplane's main thread say on their Unix socket
// (SOCK_SEQPACKET, one message a packet, descriptors by SCM_RIGHTS).
//
// Control connects. The dataplane checks its uid (SO_PEERCRED), revokes any former attachment and
// answers HELLO with an epoch, then one SEGMENT a worker. Control publishes by PUBLISH with the
// image's memfd. Both send HEARTBEAT every second; ATTACH_SILENCE_MS without one ends it.
// Every message is checked by attach_check() before its receiver acts.

#pragma once

#include "lib/base/reason.h"
#include "lib/policy/image.h"

#define ATTACH_HEARTBEAT_MS  1000
#define ATTACH_SILENCE_MS    5000
#define ATTACH_WORKERS_MAX   64
#define ATTACH_LISTENERS_MAX 64
#define ATTACH_ERROR_BYTES   200

enum attach_type {
	ATTACH_NONE,
	ATTACH_HELLO,        // dataplane → control: who I am
	ATTACH_SEGMENT,      // dataplane → control: one worker's rings, with its memfd
	ATTACH_LISTENER,     // dataplane → control: one listener of the core map
	ATTACH_HEARTBEAT,    // both ways
	ATTACH_PUBLISH,      // control → dataplane: an image, with its memfd
	ATTACH_PUBLISHED,    // dataplane → control: offered to the workers, or refused and why
	ATTACH_GET_COUNTERS, // control → dataplane
	ATTACH_COUNTERS,     // dataplane → control: a worker's counters; one packet a worker
	ATTACH_GET_HITS,     // control → dataplane
	ATTACH_HITS, // dataplane → control: per entry, summed over workers, in a sealed memfd
	ATTACH_N,
};

struct attach_hello {
	uint32_t epoch;
	uint32_t n_workers, n_listeners;
	uint64_t generation; // judged by now; 0: none
	uint8_t digest[IMAGE_DIGEST_BYTES];
	char version[32]; // NUL-terminated
};

struct attach_segment {
	uint32_t worker;
	uint32_t core;
	uint32_t numa_node;
};

struct attach_listener {
	uint32_t index;
	uint8_t side; // enum side
	struct endpoint local;
	char name[32]; // NUL-terminated
};

struct attach_publish {
	uint64_t generation;
	uint64_t n_bytes;
};

struct attach_published {
	uint64_t generation;
	uint8_t ok;
	uint8_t zero[7];
	uint64_t check_ns, compile_ns;  // time spent checking and compiling
	char error[ATTACH_ERROR_BYTES]; // NUL-terminated, empty when ok
};

struct worker_counters {
	uint64_t reason[REASON_N];
	uint64_t rx_frames, tx_frames, rx_bytes, tx_bytes;
	uint64_t polls, polls_empty;
	uint64_t busy_ns; // spent in polls that found something
	uint64_t steered_in;
};

struct attach_counters {
	uint32_t worker;
	uint32_t zero;
	uint64_t generation;
	struct worker_counters counters;
};

struct attach_hits {
	uint64_t generation;
	uint64_t n_entries; // uint64_t each in the memfd
};

struct attach_message {
	uint32_t type;  // enum attach_type
	uint32_t epoch; // 0 before HELLO
	union {
		struct attach_hello hello;
		struct attach_segment segment;
		struct attach_listener listener;
		struct attach_publish publish;
		struct attach_published published;
		struct attach_counters counters;
		struct attach_hits hits;
	};
};

// Bytes that a message of this type has on the socket; 0 for an unknown type.
size_t attach_message_bytes(enum attach_type type);

// NULL when the n_bytes received at m, with has_fd, are a message that the receiver may act on;
// otherwise which rule they break (static text). to_control: the receiver is control.
const char *attach_check(
	const struct attach_message *m, size_t n_bytes, bool has_fd, bool to_control);

// Sends one message, with fd unless it is -1 (which stays the caller's). 0, -EAGAIN or -errno.
int attach_send(int socket, const struct attach_message *m, int fd);
// Receives one message without blocking and checks it. 1 with *m, and *fd (the caller's, -1 for
// none); 0 when there is none; -EPIPE at the end; -EPROTO with *error; or -errno.
int attach_receive(
	int socket, struct attach_message *m, int *fd, bool to_control, const char **error);
