from django.http import JsonResponse
from django.urls import include, path


def live(_request):
    return JsonResponse({"ok": True})


def payment(_request, pk):
    """Oscar API requires a payment page; it is never visited."""
    return JsonResponse({"order": pk})


urlpatterns = [
    path("live", live),
    path("api/", include("oscarapi.urls")),
    path("payment/<int:pk>/", payment, name="api-payment"),
]
