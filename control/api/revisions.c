// SPDX-License-Identifier: BSD-3-Clause

#include "control/api/request.h"

#include <errno.h>

#define LIST_MAX 200

static const char *state_name(enum revision_state state)
{
	static const char *const names[] = {
		[REVISION_PENDING] = "pending",
		[REVISION_APPLIED] = "applied",
		[REVISION_REFUSED] = "refused",
	};

	return names[state];
}

static json_t *row_json(const struct revision *r, uint64_t current)
{
	return json_pack("{s:I, s:I, s:I, s:s, s:b, s:o, s:I, s:I, s:I, s:s, s:s, s:s}", "number",
		(json_int_t)r->number, "time", (json_int_t)r->time, "uid", (json_int_t)r->uid,
		"state", state_name(r->state), "current", r->number == current, "digest",
		digest_json(r->digest), "names", (json_int_t)r->n_names, "patterns",
		(json_int_t)r->n_patterns, "peers", (json_int_t)r->n_peers, "name", r->name,
		"comment", r->comment, "error", r->error);
}

static uint64_t current_number(const struct request *r)
{
	const struct replica *replica = publisher_replica(r->control->publisher);

	return replica != NULL ? image_info(replica_image(replica))->generation : 0;
}

void revisions_command(struct request *r)
{
	struct revision rows[LIST_MAX];
	uint64_t top = 20;
	json_t *list;
	int n;

	if (!request_get_number(r, "top", LIST_MAX, &top))
		return;
	n = revisions_list(store_revisions(r->control->store), rows, top);
	if (n < 0) {
		request_refuse(r, "the store failed: %s", strerror(-n));
		return;
	}
	list = json_array();
	for (int i = 0; i < n; i++) {
		json_array_append_new(list, row_json(&rows[i], current_number(r)));
		revision_fini(&rows[i]);
	}
	request_reply(r, json_pack("{s:o}", "revisions", list));
}

void document_command(struct request *r)
{
	uint64_t number = current_number(r);
	struct revision row;
	json_t *reply;
	int error;

	if (!request_get_number(r, "revision", INT64_MAX, &number))
		return;
	if (number == 0) {
		request_refuse(r, "nothing has been published yet");
		return;
	}
	error = revisions_find(store_revisions(r->control->store), number, &row);
	if (error < 0) {
		if (error == -ENOENT)
			request_refuse(r, "there is no revision %llu", (unsigned long long)number);
		else
			request_refuse(r, "the store failed: %s", strerror(-error));
		return;
	}
	reply = row_json(&row, current_number(r));
	json_object_set_new(reply, "document", json_string(row.document));
	revision_fini(&row);
	request_reply(r, reply);
}
