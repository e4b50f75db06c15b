// SPDX-License-Identifier: BSD-3-Clause

#include "control/api/request.h"

#include <errno.h>

static json_t *worker_json(const struct dataplane_worker *w, unsigned index, uint64_t generation)
{
	uint64_t now = uv_hrtime(); // CLOCK_MONOTONIC, as last_seen_ns

	return json_pack("{s:i, s:i, s:i, s:I, s:b, s:o, s:I}", "worker", (int)index, "core",
		(int)w->core, "numa_node", (int)w->numa_node, "generation",
		(json_int_t)w->generation, "up_to_date",
		generation != 0 && w->generation == generation, "age_ns",
		w->last_seen_ns != 0 && now >= w->last_seen_ns
			? json_integer((json_int_t)(now - w->last_seen_ns))
			: json_null(),
		"round_trip_ns", (json_int_t)w->round_trip_ns);
}

static json_t *listener_json(const struct attach_listener *l)
{
	char text[ENDPOINT_TEXT_BYTES];

	endpoint_format(&l->local, text);
	return json_pack("{s:s, s:s, s:s, s:s}", "name", l->name, "side",
		l->side == SIDE_INSIDE ? "inside" : "outside", "transport",
		transport_name((enum transport)l->local.transport), "address", text);
}

static json_t *dataplane_json(struct publisher *p, const struct dataplane_status *status)
{
	json_t *workers = json_array(), *listeners = json_array();
	const struct replica *replica = publisher_replica(p);
	uint64_t wanted = replica != NULL ? image_info(replica_image(replica))->generation
					  : publisher_generation(p);

	if (!status->attached) {
		json_decref(workers);
		json_decref(listeners);
		return json_pack("{s:s}", "last_error", status->last_error);
	}
	for (unsigned i = 0; i < status->hello.n_workers && i < ATTACH_WORKERS_MAX; i++)
		json_array_append_new(workers, worker_json(&status->workers[i], i, wanted));
	for (unsigned i = 0; i < status->n_listeners && i < ATTACH_LISTENERS_MAX; i++)
		json_array_append_new(listeners, listener_json(&status->listeners[i]));
	return json_pack("{s:s, s:i, s:I, s:s, s:o, s:o}", "version", status->hello.version,
		"epoch", (int)status->hello.epoch, "messages_bad", (json_int_t)status->messages_bad,
		"last_error", status->last_error, "workers", workers, "listeners", listeners);
}

static json_t *revision_json(struct request *r)
{
	const struct replica *replica = publisher_replica(r->control->publisher);
	const struct image_info *info;
	struct revision row;
	json_t *json;

	if (replica == NULL)
		return json_null();
	info = image_info(replica_image(replica));
	json = json_pack("{s:I, s:o, s:i, s:i, s:i, s:b, s:b}", "number",
		(json_int_t)info->generation, "digest", digest_json(info->digest), "names",
		(int)info->n_names, "patterns", (int)info->n_patterns, "peers", (int)info->n_peers,
		"federation", info->flags & IMAGE_FEDERATION_ON, "sip", info->flags & IMAGE_SIP_ON);
	if (revisions_find(store_revisions(r->control->store), info->generation, &row) == 0) {
		json_object_set_new(json, "time", json_integer(row.time));
		json_object_set_new(json, "uid", json_integer(row.uid));
		json_object_set_new(json, "name", json_string(row.name));
		json_object_set_new(json, "comment", json_string(row.comment));
		revision_fini(&row);
	}
	return json;
}

static json_t *credentials_json(const struct credentials *c)
{
	int64_t expire_s = c != NULL ? credentials_expire_s(c) : INT64_MAX;

	return json_pack("{s:s, s:o}", "trouble", c != NULL ? credentials_trouble(c) : "", "expire",
		expire_s != INT64_MAX ? json_integer(expire_s) : json_null());
}

void status_command(struct request *r)
{
	struct publisher *p = r->control->publisher;
	struct dataplane_status status;

	dataplane_status(publisher_dataplane(p), &status);
	request_reply(r,
		json_pack("{s:s, s:b, s:I, s:b, s:o, s:s, s:o, s:o}", "version", FEDRELAY_VERSION,
			"attached", status.attached, "generation",
			(json_int_t)publisher_generation(p), "in_force", publisher_in_force(p),
			"revision", revision_json(r), "trouble", publisher_trouble(p),
			"certificates", credentials_json(r->control->credentials), "dataplane",
			dataplane_json(p, &status)));
}
