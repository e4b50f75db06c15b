// SPDX-License-Identifier: BSD-3-Clause

#include "control/api/errors_json.h"
#include "control/api/request.h"

#include <errno.h>
#include <stdio.h>

static json_t *result_json(const struct publish_result *result)
{
	static const char *const outcomes[] = {
		[PUBLISH_DONE] = "done",
		[PUBLISH_STORED] = "stored",
		[PUBLISH_FAULTY] = "faulty",
		[PUBLISH_REFUSED] = "refused",
		[PUBLISH_NOT_PROVED] = "not_proved",
		[PUBLISH_IMPOSSIBLE] = "failed",
	};

	return json_pack(
		"{s:s, s:I, s:s, s:I, s:I, s:I, s:I, s:{s:I, s:I, s:I, s:I, s:I, s:I}, s:o, s:i}",
		"outcome", outcomes[result->outcome], "generation", (json_int_t)result->generation,
		"text", result->text, "names", (json_int_t)result->info.n_names, "patterns",
		(json_int_t)result->info.n_patterns, "peers", (json_int_t)result->info.n_peers,
		"image_bytes", (json_int_t)result->n_bytes, "ns", "compile",
		(json_int_t)result->compile_ns, "store", (json_int_t)result->store_ns, "offer",
		(json_int_t)result->offer_ns, "check", (json_int_t)result->check_ns, "patterns",
		(json_int_t)result->patterns_ns, "proof", (json_int_t)result->proof_ns, "errors",
		errors_json(&result->errors), "errors_not_shown", (int)result->errors.n_dropped);
}

static void done(void *arg, const struct publish_result *result)
{
	struct request *r = arg;

	if (result->outcome == PUBLISH_DONE || result->outcome == PUBLISH_STORED)
		request_reply(r, result_json(result));
	else if (result->outcome == PUBLISH_FAULTY)
		request_refuse_with(r, result_json(result), "the document has errors");
	else
		request_refuse_with(r, result_json(result), result->text);
}

static bool get_publication(struct request *r, struct publication *what)
{
	const char *name, *comment;
	bool wait = true, dry_run = false;
	uint64_t timeout_ms = API_PUBLISH_MS;

	if (!request_get_text(r, "name", sizeof(what->name) - 1, &name) ||
		!request_get_text(r, "comment", sizeof(what->comment) - 1, &comment) ||
		!request_get_bool(r, "wait", &wait) || !request_get_bool(r, "dry_run", &dry_run) ||
		!request_get_number(r, "timeout_ms", API_PUBLISH_MS_MAX, &timeout_ms))
		return false;
	snprintf(what->name, sizeof(what->name), "%s", name != NULL ? name : "document");
	snprintf(what->comment, sizeof(what->comment), "%s", comment != NULL ? comment : "");
	what->until = dry_run ? PUBLISH_CHECKED : wait ? PUBLISH_PROVED : PUBLISH_TAKEN;
	what->timeout_ms = (unsigned)timeout_ms;
	return true;
}

void publish_command(struct request *r)
{
	struct publication what = {.uid = r->uid, .n_fds = r->n_fds};
	int error;

	if (!get_publication(r, &what))
		return;
	if (r->n_fds == 0) {
		request_refuse(r, "the document's descriptor is expected with the request");
		return;
	}
	memcpy(what.fds, r->fds, sizeof(r->fds[0]) * r->n_fds);
	error = publisher_start(r->control->publisher, &what, done, r);
	if (error == -EBUSY)
		request_refuse(r, "another publication is under way");
	else if (error < 0)
		request_refuse(r, "the publication could not begin: %s", strerror(-error));
	else
		r->n_fds = 0;
}
