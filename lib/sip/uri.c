// SPDX-License-Identifier: BSD-3-Clause

#include "lib/sip/uri.h"

#include "lib/sip/uri_read.h"
#include "lib/sip/value.h"

static int parse(struct view text, const struct sip_message *m, struct sip_uri *out)
{
	struct lex x = lex_start(text, m);

	return sip_uri_read(&x, 0, SIP_URI_ENCLOSED, out) == 0 && x.pos == text.len ? 0 : -EINVAL;
}

int sip_uri_parse(struct view text, struct sip_uri *out)
{
	return parse(text, NULL, out);
}

int sip_request_uri(const struct sip_message *m, struct sip_uri *out)
{
	return m->request_uri.len > 0 ? parse(sip_view(m, m->request_uri), m, out) : -EINVAL;
}

struct view sip_param_find(struct view params, struct view name)
{
	struct lex x = lex_of(params);
	struct lex_param param;

	if (!lex_follows_space(&x, 0))
		return VIEW_NONE;
	while (x.c == ';' && lex_param(&x, &param) == 0) {
		if (!view_equal_nocase(param.name, name))
			continue;
		return param.value.at != NULL ? param.value : view_of(param.name.at, 0);
	}
	return VIEW_NONE;
}
