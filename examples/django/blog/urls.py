"""The blog's addresses."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import DetailView, ListView

from blog.models import Entry

urlpatterns = [
    path("admin/", admin.site.urls),
    path("comments/", include(f"{settings.COMMENTS_APP}.urls")),
    path("", ListView.as_view(model=Entry)),
    path("<int:pk>/", DetailView.as_view(model=Entry)),
]
