// SPDX-License-Identifier: BSD-3-Clause

#include "control/api/request.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct command commands[] = {
	{"counters", false, counters_command},
	{"document", false, document_command},
	{"explain", false, explain_command},
	{"hits", false, hits_command},
	{"publish", true, publish_command},
	{"revisions", false, revisions_command},
	{"sessions", false, sessions_command},
	{"status", false, status_command},
	{"targets", false, targets_command},
	{"test", true, test_command},
};

void request_run(struct request *r)
{
	const char *name;

	if (!request_get_text(r, "command", 32, &name))
		return;
	for (size_t i = 0; name != NULL && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, name) != 0)
			continue;
		if (commands[i].publishes && !r->may_publish)
			request_refuse(r, "uid %u may not %s", (unsigned)r->uid, name);
		else if (!commands[i].publishes && r->n_fds > 0)
			request_refuse(r, "%s takes no descriptors", name);
		else
			commands[i].run(r);
		return;
	}
	request_refuse(r, "no such command");
}

static void end(struct request *r, json_t *reply)
{
	char *text = reply != NULL ? json_dumps(reply, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;

	json_decref(reply);
	if (r->client != NULL)
		client_reply(r->client, text, text != NULL ? strlen(text) : 0);
	else
		free(text);
	while (r->n_fds > 0)
		close(r->fds[--r->n_fds]);
	json_decref(r->arguments);
	free(r);
}

void request_reply(struct request *r, json_t *reply)
{
	json_object_set_new(reply, "ok", json_true());
	end(r, reply);
}

void request_refuse_with(struct request *r, json_t *reply, const char *text)
{
	json_object_set_new(reply, "ok", json_false());
	json_object_set_new(reply, "error", json_string(text));
	end(r, reply);
}

void request_refuse(struct request *r, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	request_refuse_with(r, json_object(), text);
}

bool request_get_text(struct request *r, const char *name, size_t bytes_max, const char **out)
{
	json_t *value = json_object_get(r->arguments, name);

	*out = NULL;
	if (value == NULL || json_is_null(value))
		return true;
	// Everything that control shows again may reach a terminal.
	if (!json_is_string(value) || json_string_length(value) > bytes_max ||
		strlen(json_string_value(value)) != json_string_length(value)) {
		request_refuse(r, "%s: a text of at most %zu bytes is expected", name, bytes_max);
		return false;
	}
	for (const char *c = json_string_value(value); *c != '\0'; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f) {
			request_refuse(
				r, "%s: a text without control characters is expected", name);
			return false;
		}
	}
	*out = json_string_value(value);
	return true;
}

bool request_get_number(struct request *r, const char *name, uint64_t max, uint64_t *out)
{
	json_t *value = json_object_get(r->arguments, name);

	if (value == NULL || json_is_null(value))
		return true;
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
		(uint64_t)json_integer_value(value) > max) {
		request_refuse(r, "%s: a number from 0 to %llu is expected", name,
			(unsigned long long)max);
		return false;
	}
	*out = (uint64_t)json_integer_value(value);
	return true;
}

bool request_get_bool(struct request *r, const char *name, bool *out)
{
	json_t *value = json_object_get(r->arguments, name);

	if (value == NULL || json_is_null(value))
		return true;
	if (!json_is_boolean(value)) {
		request_refuse(r, "%s: true or false is expected", name);
		return false;
	}
	*out = json_is_true(value);
	return true;
}

json_t *digest_json(const uint8_t digest[IMAGE_DIGEST_BYTES])
{
	char text[2 * IMAGE_DIGEST_BYTES + 1];

	for (size_t i = 0; i < IMAGE_DIGEST_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	return json_string(text);
}

json_t *rule_json(const struct image *image, image_rule_id rule)
{
	struct view source;

	if (rule == IMAGE_RULE_NONE)
		return json_null();
	source = image_rule_source(image, rule);
	return json_pack(
		"{s:s%, s:i}", "source", source.at, source.len, "line", (int)image_rule_line(rule));
}

const char *list_name(unsigned list)
{
	static const char *const names[] = {
		[IMAGE_LOCAL] = "local",
		[IMAGE_ALLOW] = "allow",
		[IMAGE_BLOCK] = "block",
	};

	return list < sizeof(names) / sizeof(names[0]) ? names[list] : "none";
}
