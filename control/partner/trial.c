// SPDX-License-Identifier: BSD-3-Clause

#include "control/partner/trial.h"

#include "control/tls/eku.h"

#include <stdio.h>

static const char *const names[TRIAL_STAGE_N] = {
#define TRIAL_STAGE(name, text) [TRIAL_##name] = (text),
#include "control/partner/stage.def"
#undef TRIAL_STAGE
};

const char *trial_stage_name(enum trial_stage s)
{
	return (unsigned)s < TRIAL_STAGE_N ? names[s] : "?";
}

static bool is_pending(const struct trial *t, enum trial_stage s)
{
	return t->steps[s].outcome == TRIAL_PENDING;
}

// The first stage that is not over; TRIAL_STAGE_N: all are.
static enum trial_stage under_way(const struct trial *t)
{
	unsigned s = 0;

	while (s < TRIAL_STAGE_N && !is_pending(t, (enum trial_stage)s))
		s++;
	return (enum trial_stage)s;
}

static void pass(struct trial *t, enum trial_stage s, const char *text, uint64_t now_ns)
{
	struct trial_step *step = &t->steps[s];

	if (step->outcome != TRIAL_PENDING)
		return;
	step->outcome = TRIAL_OK;
	step->ns = now_ns - t->since_ns;
	snprintf(step->text, sizeof(step->text), "%s", text);
	t->since_ns = now_ns;
	t->over = under_way(t) == TRIAL_STAGE_N;
}

static void skip(struct trial *t, enum trial_stage s)
{
	if (is_pending(t, s))
		t->steps[s].outcome = TRIAL_SKIPPED;
}

static void fail(struct trial *t, enum trial_stage s, const char *text, const char *diagnosis,
	uint64_t now_ns)
{
	struct trial_step *step;

	if (s == TRIAL_STAGE_N || t->over)
		return;
	step = &t->steps[s];
	step->outcome = TRIAL_FAILED;
	step->ns = now_ns - t->since_ns;
	snprintf(step->text, sizeof(step->text), "%s", text);
	step->diagnosis = diagnosis;
	t->over = true;
}

void trial_begin(struct trial *t, const struct link_target *target, enum hop_kind kind,
	struct view name, uint64_t now_ns)
{
	memset(t, 0, sizeof(*t));
	t->target = *target;
	t->kind = kind;
	t->since_ns = now_ns;
	t->address = target->remote;
	for (unsigned s = 0; s < TRIAL_STAGE_N; s++)
		t->steps[s].diagnosis = "";
	if (name.len < sizeof(t->name))
		memcpy(t->name, name.at != NULL ? name.at : (const uint8_t *)"", name.len);
	if (target->remote.ip.family != IP_NAMED)
		skip(t, TRIAL_DNS);
	if (target->remote.transport == TRANSPORT_TLS)
		return;
	skip(t, TRIAL_TLS);
	skip(t, TRIAL_CERTIFICATE);
	skip(t, TRIAL_IDENTITY);
}

static const char *dns_diagnosis(enum finder_outcome outcome)
{
	if (outcome == FINDER_NO_SUCH || outcome == FINDER_NO_SERVICE)
		return "ask the partner for its SRV record _sipfederationtls._tcp, or for next "
		       "hops "
		       "to write into the document";
	if (outcome == FINDER_BOGUS)
		return "the domain's DNSSEC is broken: the partner must mend it";
	return "can this machine ask its DNS servers? see `fedctl dns`";
}

void trial_found(struct trial *t, const struct finder_result *result, uint64_t now_ns)
{
	char text[TRIAL_TEXT_BYTES], address[ENDPOINT_TEXT_BYTES];

	if (result->outcome != FINDER_FOUND || result->n_places == 0) {
		fail(t, TRIAL_DNS, finder_outcome_text(result->outcome),
			dns_diagnosis(result->outcome), now_ns);
		return;
	}
	endpoint_format(&result->places[0].address, address);
	snprintf(text, sizeof(text), "%s%s%zu %s, first %s", result->stale ? "stale, " : "",
		result->service != NULL ? "by SRV, " : "", result->n_places,
		result->n_places == 1 ? "place" : "places", address);
	pass(t, TRIAL_DNS, text, now_ns);
}

void trial_opened(
	struct trial *t, unsigned worker, const struct link_session_opened *m, uint64_t now_ns)
{
	char text[ENDPOINT_TEXT_BYTES];

	if (!is_pending(t, TRIAL_TCP))
		return;
	t->worker = worker;
	t->conn = m->conn;
	t->address = m->remote;
	endpoint_format(&m->remote, text);
	pass(t, TRIAL_TCP, text, now_ns);
}

// Which stage a refusal belongs to: refusal.def has them in groups.
static enum trial_stage stage_of(enum tls_refusal refusal)
{
	switch ((unsigned)refusal) {
	case TLS_REFUSAL_no_name:
	case TLS_REFUSAL_wildcard:
	case TLS_REFUSAL_cn_only:
	case TLS_REFUSAL_wrong_name:
	case TLS_REFUSAL_not_pinned:
		return TRIAL_IDENTITY;
	default:
		break;
	}
	return refusal >= TLS_REFUSAL_no_certificate && refusal <= TLS_REFUSAL_bad_certificate
		? TRIAL_CERTIFICATE
		: TRIAL_TLS;
}

static void pass_before(struct trial *t, enum trial_stage s, uint64_t now_ns)
{
	for (unsigned before = TRIAL_TLS; before < s; before++)
		pass(t, (enum trial_stage)before, "", now_ns);
}

static void show_card(struct trial *t, const struct card *card, uint64_t now_ns)
{
	const char *warning = tls_eku_warning(card->usages);
	char text[TRIAL_TEXT_BYTES];
	struct view v = card_view(card, card->issuer);

	t->has_card = true;
	t->card = *card;
	snprintf(text, sizeof(text), "%sby %.*s%s%s", card->trusted ? "" : "pinned, ", (int)v.len,
		(const char *)v.at, warning[0] != '\0' ? "; " : "", warning);
	pass(t, TRIAL_CERTIFICATE, text, now_ns);
	v = card->n_names > 0 ? card_view(card, card->names[0]) : VIEW("known by its fingerprint");
	snprintf(text, sizeof(text), "%.*s", (int)v.len, (const char *)v.at);
	pass(t, TRIAL_IDENTITY, text, now_ns);
}

void trial_shaken(struct trial *t, const struct session_report *report, uint64_t now_ns)
{
	const struct pool_answer *a = report->answer;
	char text[TRIAL_TEXT_BYTES];

	if (!is_pending(t, TRIAL_TLS))
		return;
	if (report->refusal != TLS_REFUSAL_none) {
		enum trial_stage s = stage_of(report->refusal);

		snprintf(text, sizeof(text), "%s%s%s", tls_refusal_text(report->refusal),
			a->detail[0] != '\0' ? ": " : "", a->detail);
		pass_before(t, s, now_ns);
		if (a->has_card) {
			t->has_card = true;
			t->card = a->card;
		}
		fail(t, s, text, tls_refusal_diagnosis(report->refusal), now_ns);
		return;
	}
	snprintf(text, sizeof(text), "TLS %s, %s", a->facts.version == RECORD_TLS13 ? "1.3" : "1.2",
		a->facts.suite_name != NULL ? a->facts.suite_name : "?");
	pass(t, TRIAL_TLS, text, now_ns);
	if (a->has_card)
		show_card(t, &a->card, now_ns);
}

void trial_ended(
	struct trial *t, unsigned worker, const struct link_session_ended *m, uint64_t now_ns)
{
	enum tls_refusal refusal;

	if (t->conn == 0 || t->worker != worker || t->conn != m->conn)
		return;
	if (m->alert == RECORD_ALERT_NONE) {
		fail(t, under_way(t), reason_text((enum reason)m->reason), "", now_ns);
		return;
	}
	refusal = tls_refusal_of_alert(m->alert);
	fail(t, under_way(t), tls_refusal_text(refusal), tls_refusal_diagnosis(refusal), now_ns);
}

static const char *tcp_diagnosis(enum reason reason)
{
	if (reason == REASON_tcp_refused)
		return "nobody listens there: check the address and the port";
	if (reason == REASON_tcp_timed_out)
		return "nobody answers: check the address, the route and firewalls on the way";
	return "";
}

void trial_told(struct trial *t, const struct link_target_told *m, uint64_t now_ns)
{
	// Which alert it was, the end of its session says.
	if (t->over || (m->reason == REASON_record_peer_alert && t->conn != 0))
		return;
	if (m->state != LINK_TARGET_UP) {
		fail(t, under_way(t), reason_text((enum reason)m->reason),
			is_pending(t, TRIAL_TCP) ? tcp_diagnosis((enum reason)m->reason) : "",
			now_ns);
		return;
	}
	pass(t, TRIAL_TCP, "connected", now_ns);
	if (under_way(t) == TRIAL_ANSWER)
		pass(t, TRIAL_ANSWER, "answered", now_ns);
}

void trial_stands(struct trial *t, const struct session_row *row)
{
	char text[TRIAL_TEXT_BYTES];
	uint64_t now_ns = t->since_ns;

	if (row == NULL || t->over)
		return;
	t->address = row->remote;
	endpoint_format(&row->remote, text);
	pass(t, TRIAL_TCP, text, now_ns);
	snprintf(text, sizeof(text), "TLS %s, established for %llu s",
		row->version == RECORD_TLS13 ? "1.3" : "1.2",
		(unsigned long long)row->age_ms / 1000);
	pass(t, TRIAL_TLS, text, now_ns);
	if (row->card != NULL)
		show_card(t, row->card, now_ns);
	if (under_way(t) == TRIAL_ANSWER)
		pass(t, TRIAL_ANSWER, "stands", now_ns);
}

void trial_late(struct trial *t, uint64_t now_ns)
{
	fail(t, under_way(t), "nothing came in time", "", now_ns);
}

bool trial_passed(const struct trial *t)
{
	return under_way(t) == TRIAL_STAGE_N && t->over &&
		t->steps[TRIAL_ANSWER].outcome == TRIAL_OK;
}
