// SPDX-License-Identifier: BSD-3-Clause
// One request, from its arrival to its reply, and the table of what can be asked. For control/api.

#pragma once

#include "control/api/api.h"
#include "control/api/frame.h"

#include <jansson.h>

struct client;

struct request {
	struct request *next; // waiting for the same answer of the dataplane
	const struct api_settings *control;
	struct client *client; // NULL once it is gone: the reply is thrown away
	json_t *arguments;     // the whole object, with "command"
	int fds[FRAME_FDS_MAX];
	size_t n_fds; // closed with the request, unless taken
	uid_t uid;
	bool may_publish;
};

struct command {
	const char *name;
	bool publishes; // needs that right
	// Replies once, now or later.
	void (*run)(struct request *r);
};

// Finds and runs the command. The request is its own from here on.
void request_run(struct request *r);

// Each ends the request. reply is given away; "ok" is set to true.
void request_reply(struct request *r, json_t *reply);
__attribute__((format(printf, 2, 3))) void request_refuse(
	struct request *r, const char *format, ...);
// With a reply of its own: "ok" is false, "error" the text.
void request_refuse_with(struct request *r, json_t *reply, const char *text);

// An optional argument: NULL or fallback when absent. False, having refused the request, when it is
// there with another type or out of range.
bool request_get_text(struct request *r, const char *name, size_t bytes_max, const char **out);
bool request_get_number(struct request *r, const char *name, uint64_t max, uint64_t *out);
bool request_get_bool(struct request *r, const char *name, bool *out);

// The commands, one file a noun.
void counters_command(struct request *r);
void document_command(struct request *r);
void explain_command(struct request *r);
void hits_command(struct request *r);
void publish_command(struct request *r);
void revisions_command(struct request *r);
void sessions_command(struct request *r);
void status_command(struct request *r);
void targets_command(struct request *r);
void test_command(struct request *r);

// What several of them say in the same way. Digest in hexadecimal; a rule as {source, line}.
json_t *digest_json(const uint8_t digest[IMAGE_DIGEST_BYTES]);
json_t *card_json(const struct card *card); // null for NULL
json_t *rule_json(const struct image *image, image_rule_id rule);
const char *list_name(unsigned list); // enum image_list

// client.c: sends the reply's bytes, which are given away.
void client_reply(struct client *c, char *json, size_t n_bytes);
