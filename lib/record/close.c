// SPDX-License-Identifier: BSD-3-Clause
// How a session ends by our will, or by what came.

#include "lib/record/inner.h"

void record_session_step(struct record_session *s, enum record_state_event event)
{
	enum record_state to = record_state_after((enum record_state)s->state, event);

	if (to != RECORD_STATE_N)
		s->state = (uint8_t)to;
}

static size_t end(struct record_session *s, struct record_crypto *c, enum record_state_event event,
	enum record_alert_level level, enum record_alert alert, uint8_t out[RECORD_ANSWER_BYTES])
{
	size_t n = 0;

	if (record_state_sends((enum record_state)s->state))
		n = record_seal_alert(s, c, level, (uint8_t)alert, out);
	record_session_step(s, event);
	return n;
}

size_t record_close(
	struct record_session *s, struct record_crypto *c, uint8_t out[RECORD_ANSWER_BYTES])
{
	return end(s, c, RECORD_EVENT_CLOSE, RECORD_WARNING, RECORD_ALERT_close_notify, out);
}

size_t record_fail(struct record_session *s, struct record_crypto *c, enum record_alert alert,
	uint8_t out[RECORD_ANSWER_BYTES])
{
	return end(s, c, RECORD_EVENT_FAIL, RECORD_FATAL, alert, out);
}

void record_refuse(struct record_session *s, struct record_crypto *c, enum reason reason,
	enum record_alert alert, struct record_opened *opened)
{
	opened->kind = RECORD_REFUSED;
	opened->reason = reason;
	opened->alert = (uint8_t)alert;
	opened->text = VIEW_NONE;
	opened->n_answer = (uint8_t)record_fail(s, c, alert, opened->answer);
}
