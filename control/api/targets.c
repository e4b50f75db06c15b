// SPDX-License-Identifier: BSD-3-Clause

#include "control/api/request.h"

struct list {
	json_t *rows;
	const struct dataplane_status *status;
};

static void add(void *arg, const struct targets_row *row)
{
	const struct list *list = arg;
	const struct dataplane_status *status = list->status;
	bool known = status->attached && row->listener < status->n_listeners;
	char text[ENDPOINT_TEXT_BYTES];
	json_t *json;

	endpoint_format(row->address.port != 0 ? &row->address : &row->remote, text);
	json = json_pack("{s:s, s:i, s:s, s:i, s:I, s:i, s:i, s:I, s:I, s:I, s:I}", "target", text,
		"listener", (int)row->listener, "listener_name",
		known ? status->listeners[row->listener].name : "", "up", (int)row->n_up, "up_ms",
		(json_int_t)row->up_ms, "back_off_ms", (int)row->back_off_ms, "failures",
		(int)row->n_failures, "opened", (json_int_t)row->n_opened, "ended",
		(json_int_t)row->n_ended, "failed", (json_int_t)row->n_failed, "lost_bytes",
		(json_int_t)row->lost_bytes);
	if (row->name.len > 0)
		json_object_set_new(
			json, "name", json_stringn((const char *)row->name.at, row->name.len));
	if (row->reason != REASON_none) {
		json_object_set_new(json, "reason", json_string(reason_name(row->reason)));
		json_object_set_new(json, "reason_text", json_string(reason_text(row->reason)));
	}
	json_array_append_new(list->rows, json);
}

void targets_command(struct request *r)
{
	struct dataplane_status status;
	struct list list = {json_array(), &status};

	dataplane_status(publisher_dataplane(r->control->publisher), &status);
	targets_each(r->control->targets, uv_hrtime(), add, &list);
	request_reply(r,
		json_pack("{s:b, s:o, s:I}", "attached", status.attached, "targets", list.rows,
			"unknown", (json_int_t)targets_n_unknown(r->control->targets)));
}
