// SPDX-License-Identifier: BSD-3-Clause

#include "control/api/errors_json.h"

json_t *errors_json(const struct errors *errors)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < errors->n; i++) {
		json_t *text = json_string(errors->text[i]);

		// A quoted value may be cut within a character.
		if (text == NULL)
			text = json_string("an error whose text is no UTF-8");
		json_array_append_new(list, text);
	}
	return list;
}
