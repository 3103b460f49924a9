from django.http import HttpResponseBadRequest, JsonResponse
from django.urls import path
from links.models import Link
from oauth2_provider.decorators import protected_resource
from oauth2_provider.views import TokenView


def live(_request):
    return JsonResponse({"ok": True})


@protected_resource(scopes=["connect:fulfillment"], advertise_metadata=True)
def get_link(_request, user_id):
    link = Link.objects.filter(pk=user_id).first()
    if link is None:
        return HttpResponseBadRequest()
    return JsonResponse({"express_member": link.express_member, "expired_at": f"{link.expired_at:%Y-%m-%dT%H:%M:%SZ}"})


urlpatterns = [
    path("live", live),
    path("oauth/token", TokenView.as_view()),
    path("users/<user_id>/link", get_link),
]
