locals {
  # IRSA: a pod's token names its service account; the cluster's issuer signs it.
  service_account_trust = {
    for id, account in var.service_accounts : id => {
      actions    = ["sts:AssumeRoleWithWebIdentity"]
      principals = { Federated = [account.provider_arn] }
      conditions = {
        StringEquals = {
          "${trimprefix(account.issuer, "https://")}:aud" = ["sts.amazonaws.com"]
          "${trimprefix(account.issuer, "https://")}:sub" = [
            for name in sort(account.names) : "system:serviceaccount:${account.namespace}:${name}"
          ]
        }
      }
    }
  }
}
