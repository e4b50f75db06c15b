// SPDX-License-Identifier: BSD-3-Clause
// The attachment: what control and the dataplane's main thread say on their Unix socket
// (SOCK_SEQPACKET, one message a packet, descriptors by SCM_RIGHTS).
//
// Control connects and sends CLAIM. The dataplane, having checked its uid (SO_PEERCRED), revokes
// any former attachment and answers HELLO with an epoch, then one SEGMENT a worker and one LISTENER
// a listener of the core map; or it refuses with BYE. Control publishes by PUBLISH with the image's
// memfd. Both send HEARTBEAT every ATTACH_HEARTBEAT_MS; ATTACH_SILENCE_MS without one ends it.
// Whoever ends it says why with BYE, where the socket still takes it.
// Every message is checked by attach_check() before its receiver acts.

#pragma once

#include "lib/base/reason.h"
#include "lib/policy/image.h"

#define ATTACH_HEARTBEAT_MS  1000
#define ATTACH_SILENCE_MS    5000
#define ATTACH_WORKERS_MAX   64
#define ATTACH_LISTENERS_MAX 64
#define ATTACH_ERROR_BYTES   200
#define ATTACH_VERSION_BYTES 32
// Longest path of the socket, with its NUL (sun_path).
#define ATTACH_PATH_BYTES 108
// One counter each in ATTACH_HITS.
#define ATTACH_HITS_MAX (IMAGE_NAMES_MAX + IMAGE_PATTERNS_MAX)

enum attach_type {
	ATTACH_NONE,
	ATTACH_CLAIM,        // control → dataplane: let me attach
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
	ATTACH_BYE,  // both ways: the attachment ends, or was never made, and why
	ATTACH_N,
};

struct attach_claim {
	char version[ATTACH_VERSION_BYTES]; // both ends must be of one: they share these structs
	uint8_t only_if_free;               // do not replace a control that is attached
	uint8_t zero[7];
};

struct attach_hello {
	uint32_t epoch;
	uint32_t replaced_epoch; // of the attachment that this one ended, 0: none was alive
	uint32_t n_workers, n_listeners;
	uint64_t generation; // judged by now; 0: none
	uint8_t digest[IMAGE_DIGEST_BYTES];
	char version[ATTACH_VERSION_BYTES];
};

struct attach_segment {
	uint32_t worker;
	uint32_t core;
	uint32_t numa_node;
};

struct attach_listener {
	uint32_t index;
	uint8_t side; // enum side
	uint8_t zero[3];
	struct endpoint local;
	char name[32];
};

struct attach_publish {
	uint64_t generation;
	uint64_t n_bytes;
};

struct attach_published {
	uint64_t generation;
	uint8_t ok;
	uint8_t zero[7];
	uint64_t check_ns;              // copying the image and checking the copies
	uint64_t compile_ns;            // patterns; 0 where the former database was kept
	char error[ATTACH_ERROR_BYTES]; // empty when ok
};

struct worker_counters {
	uint64_t reason[REASON_N];
	uint64_t rx_frames, tx_frames, rx_bytes, tx_bytes;
	uint64_t polls, polls_empty;
	uint64_t busy_ns; // spent in polls that found something
	uint64_t steered_in;
	uint64_t hash_disagreed; // frames whose device hash was not rte_softrss's
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

struct attach_bye {
	uint8_t replaced; // by another control, which is attached now
	uint8_t zero[7];
	char why[ATTACH_ERROR_BYTES];
};

// All text is printable ASCII, with at least one NUL, and zero from there to its end.
struct attach_message {
	uint32_t type;  // enum attach_type
	uint32_t epoch; // 0 in CLAIM, and in a BYE that refuses one
	union {
		struct attach_claim claim;
		struct attach_hello hello;
		struct attach_segment segment;
		struct attach_listener listener;
		struct attach_publish publish;
		struct attach_published published;
		struct attach_counters counters;
		struct attach_hits hits;
		struct attach_bye bye;
	};
};

// Bytes that a message of this type has on the socket; 0 for an unknown type.
size_t attach_message_bytes(enum attach_type type);

// NULL when the n_bytes received at m, with has_fd, are a message that the receiver may act on;
// otherwise which rule they break (static text). to_control: the receiver is control. The epoch,
// and what refers to earlier messages, is for the receiver to compare.
const char *attach_check(
	const struct attach_message *m, size_t n_bytes, bool has_fd, bool to_control);

// Sends one message without blocking, with fd unless it is -1 (which stays the caller's). 0,
// -EAGAIN, or -errno.
int attach_send(int socket, const struct attach_message *m, int fd);
// Receives one message without blocking and checks it. 1 with *m, and *fd (the caller's, -1 for
// none); 0 when there is none; -EPIPE at the end; -EPROTO with *error (static text); or -errno.
int attach_receive(
	int socket, struct attach_message *m, int *fd, bool to_control, const char **error);

// Writes text as the messages want it: cut to fit, what is not printable as `?`, padded with zero.
void attach_text(char *to, size_t n_bytes, const char *text);
