// SPDX-License-Identifier: BSD-3-Clause

#include "control/api/request.h"

#include <errno.h>

// Requests that the answer under way is for: a reply to one of them is a reply to all.
static struct request *waiting;

static json_t *sum_json(const struct attach_counters counters[], unsigned n)
{
	json_t *json = json_object();

	for (unsigned reason = 1; reason < REASON_N; reason++) {
		uint64_t sum = 0;

		for (unsigned i = 0; i < n; i++)
			sum += counters[i].counters.reason[reason];
		json_object_set_new(json, reason_name(reason), json_integer((json_int_t)sum));
	}
	return json;
}

static json_t *worker_json(const struct attach_counters *c)
{
	const struct worker_counters *w = &c->counters;
	json_t *reasons = sum_json(c, 1);

	return json_pack("{s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "worker",
		(int)c->worker, "generation", (json_int_t)c->generation, "rx_frames",
		(json_int_t)w->rx_frames, "tx_frames", (json_int_t)w->tx_frames, "rx_bytes",
		(json_int_t)w->rx_bytes, "tx_bytes", (json_int_t)w->tx_bytes, "polls",
		(json_int_t)w->polls, "polls_empty", (json_int_t)w->polls_empty, "busy_ns",
		(json_int_t)w->busy_ns, "steered_in", (json_int_t)w->steered_in, "hash_disagreed",
		(json_int_t)w->hash_disagreed, "counters", reasons);
}

static json_t *texts_json(void)
{
	json_t *json = json_object();

	for (unsigned reason = 1; reason < REASON_N; reason++)
		json_object_set_new(json, reason_name(reason), json_string(reason_text(reason)));
	return json;
}

static void done(void *arg, int error, const struct attach_counters counters[], unsigned n_workers)
{
	struct request *r = waiting, *next;

	(void)arg;
	waiting = NULL;
	for (; r != NULL; r = next) {
		json_t *workers;

		next = r->next;
		if (error < 0) {
			request_refuse(r, "the dataplane did not answer: %s", strerror(-error));
			continue;
		}
		workers = json_array();
		for (unsigned i = 0; i < n_workers; i++)
			json_array_append_new(workers, worker_json(&counters[i]));
		request_reply(r,
			json_pack("{s:o, s:o, s:o}", "counters", sum_json(counters, n_workers),
				"workers", workers, "texts", texts_json()));
	}
}

void counters_command(struct request *r)
{
	int error = 0;

	if (waiting == NULL)
		error = dataplane_get_counters(
			publisher_dataplane(r->control->publisher), done, NULL);
	if (error < 0) {
		if (error == -ENOTCONN)
			request_refuse(r, "no dataplane is attached");
		else
			request_refuse(r, "the dataplane cannot be asked: %s", strerror(-error));
		return;
	}
	r->next = waiting;
	waiting = r;
}
