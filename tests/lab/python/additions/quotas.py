"""The quota of AWS Organizations for accounts.

AWS (Service Quotas reference, GetServiceQuota; quota code L-29A0C5DF, told in us-east-1): how many accounts an organization
may have, 10 unless it was raised. moto 5.2.5 knows quotas of VPCs alone.

`POST /_lab/quotas` with `{"account": ID, "accounts": n}` sets it for the organization of this management account. Left out: every other quota; whether an organization keeps to it.
"""

NAME = "quotas"

CODE = "L-29A0C5DF"
_quota = {
    "Adjustable": True,
    "GlobalQuota": True,
    "QuotaArn": f"arn:aws:servicequotas:us-east-1::organizations/{CODE}",
    "QuotaCode": CODE,
    "QuotaName": "Default maximum number of accounts",
    "ServiceCode": "organizations",
    "ServiceName": "AWS Organizations",
    "Unit": "None",
    "Value": 10.0,
}
_set = {}


def wrap(app):
    from moto.servicequotas.models import ServiceQuotasBackend

    asked = ServiceQuotasBackend.get_service_quota

    def get_service_quota(self, service_code, quota_code):
        if (service_code, quota_code) == ("organizations", CODE) and self.region_name == "us-east-1":
            return {**_quota, "Value": _set.get(self.account_id, _quota["Value"])}
        return asked(self, service_code, quota_code)

    ServiceQuotasBackend.get_service_quota = get_service_quota
    return app


def control(request):
    _set[str(request["account"])] = float(request["accounts"])
    return {}
