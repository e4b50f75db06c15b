// SPDX-License-Identifier: BSD-3-Clause

#include "tests/load/report.h"

#include <inttypes.h>

static const char *transport_text(const struct options *o)
{
	return transport_name(o->map.transport);
}

static double quantile_us(const struct caller_counts *c, double share)
{
	return (double)histogram_quantile(&c->latency, share) / 1e3;
}

// Since the start, as all of flows_counts.
static void connections_as_json(const struct flows_counts *f, FILE *out)
{
	const struct tls_flows_counts *s = &f->secure;

	fprintf(out,
		", \"cut\": %" PRIu64 ", \"storms\": %" PRIu64
		", \"back_ms\": %.1f, \"worst_back_ms\": %.1f, \"handshakes\": %" PRIu64
		", \"handshakes_failed\": %" PRIu64 ", \"broken\": %" PRIu64
		", \"key_updates\": %" PRIu64 ", \"peer_key_updates\": %" PRIu64,
		f->n_cut, f->n_storms, (double)f->last_back_ns / 1e6,
		(double)f->worst_back_ns / 1e6, s->n_done, s->n_failed, s->n_broken, s->n_updates,
		s->n_peer_updates);
}

static void connections_as_text(const struct flows_counts *f, FILE *out)
{
	const struct tls_flows_counts *s = &f->secure;

	if (f->n_closed > 0)
		fprintf(out,
			"  connections closed so far: %" PRIu64 ", of them by us %" PRIu64
			", unframed %" PRIu64 "\n",
			f->n_closed, f->n_cut, f->n_unframed);
	if (f->n_storms > 0)
		fprintf(out, "  storms        %" PRIu64 ", all back after %.0f ms at most\n",
			f->n_storms, (double)f->worst_back_ns / 1e6);
	if (s->n_done + s->n_failed == 0)
		return;
	fprintf(out,
		"  handshakes    %" PRIu64 ", failed %" PRIu64 "; sessions broken %" PRIu64
		"%s%s\n",
		s->n_done, s->n_failed, s->n_broken, s->failure[0] != '\0' ? "; the last: " : "",
		s->failure);
	if (s->n_updates + s->n_peer_updates > 0)
		fprintf(out, "  key updates   %" PRIu64 ", of the peer's %" PRIu64 "\n",
			s->n_updates, s->n_peer_updates);
}

static void trial_as_json(
	const struct options *o, const struct load_result *r, double rate, FILE *out)
{
	const struct caller_counts *c = r->caller;

	fprintf(out,
		"{\"what\": \"trial\", \"transport\": \"%s\", \"mix\": \"%s\", \"connections\": "
		"%u, "
		"\"rate\": %.1f, \"seconds\": %g, \"passed\": %s, "
		"\"due\": %" PRIu64 ", \"sent\": %" PRIu64 ", \"answered\": %" PRIu64
		", \"lost\": %" PRIu64 ", \"late\": %" PRIu64 ", \"wrong\": %" PRIu64
		", \"stray\": %" PRIu64 ", \"again\": %" PRIu64 ", \"refused\": %" PRIu64
		", \"altered\": %" PRIu64 ", \"last_refusal\": %u, \"provisional\": %" PRIu64 ", ",
		transport_text(o), mix_text(o->load.mix), o->map.n_conns, rate, o->seconds,
		load_passed(r, o->allowed_ppm) ? "true" : "false", c->n_due, c->n_sent,
		c->n_answered, caller_lost(c), c->n_late, caller_wrong(c), c->n_stray, c->n_again,
		c->n_refused, c->n_altered, c->last_refusal, c->n_provisional);
	fprintf(out,
		"\"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, \"max_us\": %.1f, "
		"\"users\": %.0f, \"dropped\": %" PRIu64 ", \"closed\": %" PRIu64
		", \"unframed\": %" PRIu64,
		quantile_us(c, 0.5), quantile_us(c, 0.99), quantile_us(c, 0.999), quantile_us(c, 1),
		r->users, r->n_dropped, r->flows.n_closed, r->flows.n_unframed);
	connections_as_json(&r->flows, out);
	fputs("}\n", out);
}

static void trial_as_text(
	const struct options *o, const struct load_result *r, double rate, FILE *out)
{
	const struct caller_counts *c = r->caller;

	fprintf(out, "%s, %s, %.0f requests/s for %g s: %s\n", transport_text(o),
		mix_text(o->load.mix), rate, o->seconds,
		load_passed(r, o->allowed_ppm) ? "passed" : "failed");
	if (r->users > 0)
		fprintf(out, "  as of         %.0f users\n", r->users);
	fprintf(out,
		"  sent          %" PRIu64 " of %" PRIu64 " due\n  answered      %" PRIu64
		"\n  lost          %" PRIu64 "\n  wrong         %" PRIu64 "\n",
		c->n_sent, c->n_due, c->n_answered, caller_lost(c), caller_wrong(c));
	if (caller_wrong(c) > 0)
		fprintf(out,
			"    match no request %" PRIu64 ", answered again %" PRIu64
			", refused %" PRIu64 " (last: %u), altered %" PRIu64 "\n",
			c->n_stray, c->n_again, c->n_refused, c->last_refusal, c->n_altered);
	fprintf(out, "  latency us    p50 %.1f  p99 %.1f  p99.9 %.1f  max %.1f\n",
		quantile_us(c, 0.5), quantile_us(c, 0.99), quantile_us(c, 0.999),
		quantile_us(c, 1));
	if (r->n_dropped > 0)
		fprintf(out, "  our own port dropped %" PRIu64 " frames\n", r->n_dropped);
	connections_as_text(&r->flows, out);
}

void report_trial(const struct options *o, const struct load_result *r, double rate, FILE *out)
{
	if (o->json)
		trial_as_json(o, r, rate, out);
	else
		trial_as_text(o, r, rate, out);
	fflush(out);
}

static void callee_as_json(
	const struct options *o, const struct load_result *r, double seconds, FILE *out)
{
	const struct callee_counts *c = r->callee;

	fprintf(out,
		"{\"what\": \"callee\", \"transport\": \"%s\", \"seconds\": %.1f, "
		"\"requests\": %" PRIu64 ", \"answered\": %" PRIu64 ", \"altered\": %" PRIu64
		", \"foreign\": %" PRIu64 ", \"unsent\": %" PRIu64 ", \"malformed\": %" PRIu64
		", \"dropped\": %" PRIu64 ", \"opened\": %" PRIu64 ", \"unframed\": %" PRIu64,
		transport_text(o), seconds, c->n_requests, c->n_answered, c->n_altered,
		c->n_foreign, c->n_unsent, r->n_malformed, r->n_dropped, r->flows.n_opened,
		r->flows.n_unframed);
	connections_as_json(&r->flows, out);
	fputs("}\n", out);
}

static void callee_as_text(
	const struct options *o, const struct load_result *r, double seconds, FILE *out)
{
	const struct callee_counts *c = r->callee;

	fprintf(out,
		"callee, %s, %.1f s\n  requests      %" PRIu64 "\n  answered      %" PRIu64
		"\n  altered       %" PRIu64 "\n  foreign       %" PRIu64
		"\n  unsent        %" PRIu64 "\n  malformed     %" PRIu64
		"\n  dropped       %" PRIu64 "\n  connections   %" PRIu64
		"\n  unframed      %" PRIu64 "\n",
		transport_text(o), seconds, c->n_requests, c->n_answered, c->n_altered,
		c->n_foreign, c->n_unsent, r->n_malformed, r->n_dropped, r->flows.n_opened,
		r->flows.n_unframed);
	connections_as_text(&r->flows, out);
}

void report_callee(const struct options *o, const struct load_result *r, double seconds, FILE *out)
{
	if (o->json)
		callee_as_json(o, r, seconds, out);
	else
		callee_as_text(o, r, seconds, out);
	fflush(out);
}

void report_reasons(const struct load_result *r, FILE *out)
{
	for (unsigned i = 0; i < REASON_N; i++) {
		if (r->reasons[i] > 0)
			fprintf(out, "  %-28s %" PRIu64 "\n", reason_name((enum reason)i),
				r->reasons[i]);
	}
}

void report_found(const struct options *o, double rate, unsigned n_trials, FILE *out)
{
	if (o->json)
		fprintf(out,
			"{\"what\": \"highest\", \"transport\": \"%s\", \"mix\": \"%s\", "
			"\"connections\": %u, \"rate\": %.1f, \"trials\": %u}\n",
			transport_text(o), mix_text(o->load.mix), o->map.n_conns, rate, n_trials);
	else if (rate > 0)
		fprintf(out, "highest rate that passed: %.0f requests/s (%u trials of %g s)\n",
			rate, n_trials, o->seconds);
	else
		fprintf(out, "no rate passed (%u trials of %g s)\n", n_trials, o->seconds);
	fflush(out);
}
