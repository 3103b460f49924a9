"""The form of phone numbers."""

# 7 to 15 digits in a usual notation, with or without a plus: E.164 is one of the forms.
PHONE_PATTERN = r"^\+?([ ().-]*[0-9]){7,15}\Z"
