{{/* The volume for a writable path: /var/cache becomes writable-var-cache. */}}
{{- define "app.volume" -}}
writable-{{ trimPrefix "/" . | replace "/" "-" | replace "." "-" | replace "_" "-" | lower }}
{{- end }}

{{/* Secrets are files, never environment variables: those are inherited, dumped and logged. */}}
{{- define "app.secretVolume" -}}
{{- if eq .Values.secrets.source "external-secrets" -}}
- name: secrets
  secret:
    secretName: {{ include "app.fullname" . }}
    # 0440, for the group alone; YAML 1.1 and 1.2 read a leading 0 differently.
    defaultMode: 288
{{- else if eq .Values.secrets.source "csi" -}}
- name: secrets
  csi:
    driver: secrets-store.csi.k8s.io
    readOnly: true
    volumeAttributes:
      secretProviderClass: {{ include "app.fullname" . }}
{{- end }}
{{- end }}

{{/* What the CSI driver's provider for AWS wants to be told: each secret once, with all that is read from it. */}}
{{- define "app.csi.aws" -}}
{{- $keys := dict }}
{{- range $file, $item := .Values.secrets.items }}
{{- $_ := set $keys $item.key (append (get $keys $item.key | default list) (merge (dict "file" $file) $item)) }}
{{- end }}
{{- range $key, $items := $keys }}
- objectName: {{ $key | quote }}
  objectType: secretsmanager
  {{- with (first $items).version }}
  objectVersion: {{ . | quote }}
  {{- end }}
  {{- if (first $items).property }}
  jmesPath:
    {{- range $items }}
    - path: {{ .property | required (printf "secrets.items.%s.property: other items read properties of the same secret" .file) | quote }}
      objectAlias: {{ .file | quote }}
    {{- end }}
  {{- else if rest $items }}
  {{- fail (printf "secrets.items: %s is named twice; name a property in each, or name it once" $key) }}
  {{- else }}
  objectAlias: {{ (first $items).file | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "app.csi.gcp" -}}
{{- range $file, $item := .Values.secrets.items }}
{{- if $item.property }}
{{- fail (printf "secrets.items.%s.property: the driver for GCP reads whole secrets; use source external-secrets" $file) }}
{{- end }}
- resourceName: {{ printf "%s/versions/%s" $item.key ($item.version | default "latest") | quote }}
  path: {{ $file | quote }}
{{- end }}
{{- end }}
