// SPDX-License-Identifier: BSD-3-Clause

#include "control/dns/search.h"

#include <errno.h>
#include <stdio.h>

#define SIPS_PORT 5061

static const char *const federation_service = "_sipfederationtls._tcp";
static const char *const sips_service = "_sips._tcp";

enum family_index {
	SIX,
	FOUR,
};

static const struct {
	enum dns_type type;
	enum ip_family family;
	size_t n_bytes;
} families[] = {
	[SIX] = {DNS_AAAA, IP_V6, 16},
	[FOUR] = {DNS_A, IP_V4, 4},
};

static int next_question(struct search *s);

static void finish(struct search *s, enum finder_outcome outcome)
{
	s->outcome = outcome;
	s->done(s);
}

static void note(struct search *s, const struct dns_answer *answer)
{
	s->failed = s->failed || answer->outcome == DNS_FAILED;
	s->bogus = s->bogus || answer->outcome == DNS_BOGUS;
	if (answer->outcome != DNS_OK && answer->outcome != DNS_NONE)
		return;
	s->secure = s->secure && answer->secure;
	if (answer->ttl_s < s->ttl_s)
		s->ttl_s = answer->ttl_s;
}

static void add_place(struct search *s, const struct search_target *t, const struct ip_addr *ip)
{
	struct finder_place *place = &s->places[s->n_places];

	if (s->n_places == FINDER_PLACES_MAX)
		return;
	*place = (struct finder_place){
		.address = {.ip = *ip, .port = t->srv.port, .transport = TRANSPORT_TLS},
	};
	memcpy(place->host, t->srv.target, sizeof(place->host));
	s->n_places++;
}

// All addresses have been asked for.
static void conclude(struct search *s)
{
	for (size_t i = 0; i < s->n_targets; i++) {
		const struct search_target *t = &s->targets[i];

		for (unsigned family = SIX; family <= FOUR; family++) {
			for (unsigned k = 0; k < t->n_addresses[family]; k++)
				add_place(s, t, &t->addresses[family][k]);
		}
	}
	if (s->n_places > 0)
		finish(s, FINDER_FOUND);
	else if (s->bogus)
		finish(s, FINDER_BOGUS);
	else
		finish(s, s->failed ? FINDER_DNS_FAILED : FINDER_NO_SUCH);
}

static void hear_addresses(void *arg, const struct dns_answer *answer)
{
	const struct search_question *q = arg;
	struct search *s = q->search;
	struct search_target *t = &s->targets[q->target];
	unsigned family = q->family == IP_V6 ? SIX : FOUR;

	note(s, answer);
	for (size_t i = 0; answer->outcome == DNS_OK && i < answer->n_records; i++) {
		struct ip_addr ip = {.family = q->family};

		if (answer->records[i].len != families[family].n_bytes ||
			t->n_addresses[family] == SEARCH_ADDRESSES_MAX)
			continue;
		memcpy(ip.bytes, answer->records[i].at, families[family].n_bytes);
		t->addresses[family][t->n_addresses[family]++] = ip;
	}
	if (--s->n_pending == 0)
		conclude(s);
}

// Of every target, in both families, all at once.
static int ask_addresses(struct search *s)
{
	const struct dns_source *dns = &s->config->dns;

	for (size_t i = 0; i < s->n_targets; i++) {
		for (unsigned family = SIX; family <= FOUR; family++) {
			struct search_question *q = &s->targets[i].questions[family];

			*q = (struct search_question){
				s, (uint8_t)i, (uint8_t)families[family].family};
			if (dns->ask(dns->arg, s->targets[i].srv.target, families[family].type,
				    hear_addresses, q) == 0)
				s->n_pending++;
			else
				s->failed = true;
		}
	}
	return s->n_pending > 0 ? 0 : -EIO;
}

static int ask_own_addresses(struct search *s, uint16_t port)
{
	struct srv *srv = &s->targets[0].srv;

	*srv = (struct srv){.port = port};
	if ((size_t)snprintf(srv->target, sizeof(srv->target), "%s", s->name) >=
		sizeof(srv->target))
		return -EINVAL;
	s->n_targets = 1;
	return ask_addresses(s);
}

// The targets of an answer, in their order; how many records there were that are one or decline.
static size_t read_targets(struct search *s, const struct dns_answer *answer)
{
	struct srv all[SEARCH_TARGETS_MAX];
	size_t n = 0, n_read = 0;

	for (size_t i = 0; i < answer->n_records && n < SEARCH_TARGETS_MAX; i++) {
		if (srv_parse(answer->records[i], &all[n]) < 0)
			continue;
		n_read++;
		if (all[n].target[0] == '\0')
			s->declined = true;
		else if (all[n].port != 0)
			n++;
	}
	srv_order(all, n, s->draw, s->arg);
	for (size_t i = 0; i < n; i++)
		s->targets[i].srv = all[i];
	s->n_targets = n;
	return n_read;
}

static void hear_service(void *arg, const struct dns_answer *answer)
{
	struct search *s = arg;

	s->n_pending--;
	note(s, answer);
	// Whether another service may be taken is not known then.
	if (s->failed || s->bogus) {
		finish(s, s->bogus ? FINDER_BOGUS : FINDER_DNS_FAILED);
		return;
	}
	if (answer->outcome == DNS_OK) {
		(void)read_targets(s, answer);
		s->found_service = s->services[s->service];
	}
	s->service++;
	if ((s->n_targets > 0 ? ask_addresses(s) : next_question(s)) < 0)
		finish(s, FINDER_DNS_FAILED);
}

// The next service; or, where none is known, the name's own addresses (RFC 3263 §4.2).
static int next_question(struct search *s)
{
	const struct dns_source *dns = &s->config->dns;
	char name[DNS_NAME_BYTES + 32];
	int error;

	s->found_service = NULL;
	if (s->service == s->n_services && s->declined) {
		finish(s, FINDER_NO_SERVICE);
		return 0;
	}
	if (s->service == s->n_services)
		return ask_own_addresses(s, s->port != 0 ? s->port : SIPS_PORT);
	snprintf(name, sizeof(name), "%s.%s", s->services[s->service], s->name);
	error = dns->ask(dns->arg, name, DNS_SRV, hear_service, s);
	s->n_pending += error == 0;
	return error;
}

int search_begin(struct search *s, enum hop_kind kind)
{
	bool federation_first = s->config->order == FINDER_FEDERATION_FIRST;

	s->secure = true;
	s->ttl_s = UINT32_MAX;
	if (kind == HOP_DOMAIN) {
		s->services[0] = federation_first ? federation_service : sips_service;
		s->services[1] = federation_first ? sips_service : federation_service;
		s->n_services = 2;
	} else if (s->port == 0) {
		s->services[0] = sips_service;
		s->n_services = 1;
	}
	return next_question(s);
}
