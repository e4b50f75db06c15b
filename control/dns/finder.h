// SPDX-License-Identifier: BSD-3-Clause
// Where a partner's servers are (FEATURES T4; RFC 3263 §4): SRV records of the domain, in the order
// to try them, then addresses; remembered for as long as DNS says. What is known is served stale
// while DNS is away, a name that is not there is not asked for again at once, and a partner whose
// DNS is dead costs one question at a time, ever more rarely.
//
// The loop's thread. No I/O in here: dns_source asks, the clock is the caller's.

#pragma once

#include "control/dns/resolver.h"
#include "control/dns/srv.h"
#include "lib/base/addr.h"
#include "lib/policy/hop.h"

#define FINDER_PLACES_MAX 32
// Times, in seconds. What DNS says of how long something holds is brought between the first two.
#define FINDER_TTL_MIN_S   5
#define FINDER_TTL_MAX_S   3600
#define FINDER_NONE_MIN_S  30 // of a name that is not there (RFC 2308)
#define FINDER_NONE_MAX_S  300
#define FINDER_RETRY_MIN_S 1 // while DNS is away; doubled with each failure
#define FINDER_RETRY_MAX_S 300
#define FINDER_STALE_S     86400 // RFC 8767: how long after its time something is still served
// Who waits is given what is stale after the first, and told of the failure after the second.
#define FINDER_STALE_AFTER_MS 1000
#define FINDER_GIVE_UP_MS     8000

// Which services of a domain, and in which order: both are SIP over TLS.
enum finder_order {
	FINDER_FEDERATION_FIRST, // _sipfederationtls._tcp, then _sips._tcp
	FINDER_SIPS_FIRST,
	FINDER_ORDER_N,
};

enum finder_outcome {
	FINDER_FOUND,
	FINDER_NO_SUCH,    // the name has neither service nor address
	FINDER_NO_SERVICE, // an SRV record says that it is not offered (RFC 2782, target ".")
	FINDER_BOGUS,      // DNSSEC
	FINDER_DNS_FAILED,
	FINDER_OUTCOME_N,
};

// For people: "found", "no such name", …
const char *finder_outcome_text(enum finder_outcome o);

struct finder_place {
	struct endpoint address;   // transport TLS
	char host[DNS_NAME_BYTES]; // that it is of
};

struct finder_result {
	enum finder_outcome outcome;
	bool stale;  // DNS is away: this is what it once said
	bool secure; // all of it proved by DNSSEC
	uint32_t ttl_s;
	const char *service; // the SRV name that was found; NULL: addresses of the name itself
	const struct finder_place *places; // in the order to try them
	size_t n_places;
};

struct finder;

struct finder_config {
	struct dns_source dns;
	enum finder_order order;
	uint32_t n_max; // names remembered at once
	uint64_t seed;  // of the order among equals, and of jitter
	uint64_t (*now_ns)(void *arg);
	void *arg;
};

struct finder *finder_new(const struct finder_config *config); // NULL with errno
// After the dns_source has gone: it must not answer any more. Nobody else is answered either.
void finder_free(struct finder *f);

// result is gone afterwards.
typedef void finder_done_fn(void *arg, const struct finder_result *result);

// The places of a canonical name; port: of HOP_HOST, 0: as RFC 3263 looks for it. done is called
// once: before it returns where the answer is known, else later. 0; -ENOBUFS, too many names are
// being looked for, -EINVAL, -ENOMEM: and then never.
int finder_find(struct finder *f, enum hop_kind kind, struct view name, uint16_t port,
	finder_done_fn *done, void *arg);
// Whoever has not been answered yet is not any more.
void finder_cancel(struct finder *f, finder_done_fn *done, void *arg);

// What has waited for too long. Call every 100 ms or so.
void finder_timers(struct finder *f);
