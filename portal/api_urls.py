from django.urls import path

from portal import views, views_token

urlpatterns = [
    path("", views.api_root, name="api-root"),
    path("token/", views_token.token, name="api-token"),
]
