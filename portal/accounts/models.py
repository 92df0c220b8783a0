"""People who sign in: staff of the operator or trustee, and regulators. Residents have no account."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    STAFF = "staff", _("Staff")
    REGULATOR = "regulator", _("Regulator")


class Accounts(BaseUserManager["User"]):
    def create(  # type: ignore[override]  # a password is no field
        self, *, name: str, role: Role, password: str, is_senior: bool = False
    ) -> "User":
        account = self.model(name=name, role=role, is_senior=is_senior)
        account.set_password(password)
        account.save(using=self._db)
        return account


class User(AbstractBaseUser):
    name = models.CharField(max_length=80, unique=True)
    role = models.CharField(max_length=16, choices=Role)
    # A regulator's, for the ledger's checkpoints; empty: none are mailed.
    mail = models.EmailField(blank=True)
    is_active = models.BooleanField(default=True)
    # Of staff: decides orders, and has cases drawn for somebody else.
    is_senior = models.BooleanField(default=False)
    # The last day on which they were there for cases; empty once they went off duty.
    on_duty_on = models.DateField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "name"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["role"]
    objects = Accounts()

    def __str__(self) -> str:
        return self.name

    @property
    def is_reviewer(self) -> bool:
        return self.is_active and self.role == Role.STAFF

    @property
    def is_supervisor(self) -> bool:
        return self.is_reviewer and self.is_senior

    @property
    def is_regulator(self) -> bool:
        return self.is_active and self.role == Role.REGULATOR
