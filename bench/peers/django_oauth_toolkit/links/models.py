from django.db import models


class Link(models.Model):
    user_id = models.CharField(primary_key=True, max_length=64)
    express_member = models.BooleanField()
    expired_at = models.DateTimeField()
