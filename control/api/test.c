// SPDX-License-Identifier: BSD-3-Clause

#include "control/api/request.h"

#include "lib/policy/domain.h"

#include <errno.h>

static json_t *stage_json(const struct trial *hop, enum trial_stage s)
{
	static const char *const outcomes[] = {
		[TRIAL_PENDING] = "not reached",
		[TRIAL_OK] = "ok",
		[TRIAL_FAILED] = "failed",
		[TRIAL_SKIPPED] = "skipped",
	};
	const struct trial_step *step = &hop->steps[s];

	return json_pack("{s:s, s:s, s:I, s:s, s:s}", "stage", trial_stage_name(s), "result",
		outcomes[step->outcome], "ns", (json_int_t)step->ns, "text", step->text,
		"diagnosis", step->diagnosis);
}

static json_t *hop_json(const struct request *r, const struct trial *hop)
{
	json_t *stages = json_array();
	struct dataplane_status status;
	char text[ENDPOINT_TEXT_BYTES], address[ENDPOINT_TEXT_BYTES];

	dataplane_status(publisher_dataplane(r->control->publisher), &status);
	endpoint_format(&hop->target.remote, text);
	endpoint_format(&hop->address, address);
	for (unsigned s = 0; s < TRIAL_STAGE_N; s++)
		json_array_append_new(stages, stage_json(hop, (enum trial_stage)s));
	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:o, s:o}", "hop",
		hop->name[0] != '\0' ? hop->name : text, "transport",
		transport_name((enum transport)hop->target.remote.transport), "address", address,
		"listener_name",
		status.attached && hop->target.listener < status.n_listeners
			? status.listeners[hop->target.listener].name
			: "",
		"passed", (int)trial_passed(hop), "stages", stages, "identity",
		card_json(hop->has_card ? &hop->card : NULL));
}

static void done(void *arg, const struct trial hops[], size_t n)
{
	struct request *r = arg;
	json_t *list = json_array(), *reply;
	bool passed = n > 0;

	for (size_t i = 0; i < n; i++) {
		json_array_append_new(list, hop_json(r, &hops[i]));
		passed = passed && trial_passed(&hops[i]);
	}
	reply = json_pack("{s:o}", "hops", list);
	if (passed)
		request_reply(r, reply);
	else
		request_refuse_with(r, reply,
			n > 0 ? "not every next hop passed"
			      : "no next hop that is reached by a stream");
}

void test_command(struct request *r)
{
	const char *domain, *from;
	int error;

	if (!request_get_text(r, "domain", DOMAIN_SPELLING_BYTES_MAX, &domain) ||
		!request_get_text(r, "from", DOMAIN_SPELLING_BYTES_MAX, &from))
		return;
	if (domain == NULL) {
		request_refuse(r, "a domain is missing");
		return;
	}
	error = trials_start(r->control->trials, view_string(domain),
		from != NULL ? view_string(from) : VIEW_NONE, done, r);
	if (error == -ENOENT)
		request_refuse(r, "nobody has %s: it is neither ours nor a partner's", domain);
	else if (error == -EINVAL)
		request_refuse(r, "no domain");
	else if (error == -ENOTCONN)
		request_refuse(r, "no dataplane is attached");
	else if (error == -EBUSY)
		request_refuse(r, "too many tests at once");
	else if (error < 0)
		request_refuse(r, "out of memory");
}
