// SPDX-License-Identifier: BSD-3-Clause
// SIP over the connections of one worker: bytes to messages (RFC 3261 §18.3, by Content-Length), a
// burst of them through the relay, and what leaves to where it goes: a connection's own way back,
// egress.h's connections, a datagram, another worker. Answers keepalives (RFC 5626 §4.4.1), closes
// streams that have lost their framing, and sends again over UDP what a sender on a stream will not
// (timers A and E of RFC 3261 §17.1).
//
// A message that is not all there stays in the engine, whose window bounds it; long ones are
// bounded in number too, and the bodies of those longer than message_bytes_max by memory of their
// own. Whoever does not read what it is answered is not read from.
//
// Thread: one worker's. Pure but for its host.

#pragma once

#include "dataplane/relay/egress.h"
#include "dataplane/relay/relay.h"

struct streams;

struct streams_config {
	struct relay *relay;
	struct tcp *tcp;
	const struct relay_host *host;
	uint64_t *counters; // REASON_N
	unsigned worker, n_workers;
	uint32_t n_conns;           // of the engine
	uint32_t send_bytes_max;    // of the engine
	uint32_t message_bytes_max; // less than the engine's receive_bytes_max
	// For bodies of longer messages: bodies_memory_bytes(), the caller's; nobody's once all
	// workers' streams are freed.
	void *bodies;
	uint32_t n_bodies;     // units of it; 0: a longer message is refused
	uint32_t buffer_bytes; // of the engine, in all, of which bodies in flight have a share
	uint32_t n_holding;    // connections with part of a long message at once
	// Both by weight (struct parcel), in all and of one next hop.
	uint32_t n_again, again_of_target;     // requests being sent again over UDP at once
	uint32_t n_waiting, waiting_of_target; // messages waiting for connections of ours
	uint32_t rests_weight;                 // of parts of messages of TLS connections, in all
	uint32_t n_cards;                      // identities of TLS connections at once
	uint64_t secure;                       // bit i: connections to listener i are TLS
	struct record_crypto *crypto;          // of this thread, outlives the streams
	uint32_t n_pending; // requests whose final response is known to be awaited
	uint32_t n_senders; // domains that connections are remembered to be of
	uint32_t silence_s; // a connection with part of a message this old is closed, and one that
			    // has brought none so long
	struct siphash_key key; // the same in all workers, of egress
	uint64_t salt;          // random, the process': ids of a former one name no connection
	// last: of the end of a session, by the slots that are kept for those.
	bool (*tell_control)(void *arg, const struct link_message *m, bool last);
	void *arg;
};

// Numbers and times that suit a relay of n_conns connections; the rest is zero.
void streams_config_default(struct streams_config *config, uint32_t n_conns);

struct streams *streams_new(const struct streams_config *config); // NULL with errno
// What waits goes back to the host; connections stay as they are.
void streams_free(struct streams *s);

// Takes the engine's events, reads and relays what is whole, at most a few bursts a call. True when
// there is more to do.
bool streams_poll(struct streams *s, uint64_t now);

// A message to be carried: of a datagram that came in and does not leave as one. Takes the parcel.
void streams_take(struct streams *s, struct parcel *p, uint64_t now);
// One that another worker handed over. Takes it too.
void streams_take_over(struct streams *s, struct parcel *p, uint64_t now);
// What the relay says of a message that is not just a datagram, to its parcel.
void parcel_describe(struct parcel *p, const struct relay_out *out);

// Control's word, already checked: of targets, sessions and cards; and that another attachment has
// begun.
void streams_hear(struct streams *s, const struct link_message *m, uint64_t now);
void streams_attached(struct streams *s, uint64_t now);

// Another policy has been set: connections that it refuses are cut (FEATURES P4). A peer's, where
// the policy refuses the domain that the last accepted request on it was from, whoever it sends to
// (policy_judge_sender(): blocked, no longer listed, address or card not its own, federation
// off): it is closed, and what still comes on it is thrown away (sip_stream_refused). One of ours,
// where no peer has the next hop any more that it goes to: it is reset, of TLS closed
// (egress_withdrawn), as To's connections are those to its hops. A connection that nothing was ever
// accepted on is left alone, as is an inside server's that has sent to a blocked domain: other
// domains' messages go by it. Until its turn comes every message of it is judged by the new policy
// anyway. Does nothing itself: streams_timers() walks over all connections, a part with each call.
void streams_recheck(struct streams *s);

// Call about every millisecond.
void streams_timers(struct streams *s, uint64_t now, unsigned budget);

// For tests and fedctl.
struct streams_usage {
	uint32_t n_streams, n_holding, n_again;
	uint32_t n_intakes, n_bodies; // bodies that are coming; units in use
	struct egress_usage egress;
};
void streams_usage(const struct streams *s, struct streams_usage *out);
