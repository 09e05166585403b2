{{- define "app.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Names stay below 63 characters, the limit of a label; the longest suffix is "-test-http". */}}
{{- define "app.fullname" -}}
{{- $name := include "app.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 53 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 53 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 53 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* What never changes during the life of a release: the selector of a Deployment cannot be changed. */}}
{{- define "app.selector" -}}
app.kubernetes.io/name: {{ include "app.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "app.labels" -}}
{{ include "app.selector" . }}
{{ include "app.commonLabels" . }}
{{- end }}

{{/* The chart's labels and some of the values; the chart's win. Takes a list: the root, the others. */}}
{{- define "app.labelsWith" -}}
{{- toYaml (merge (fromYaml (include "app.labels" (first .))) (last .)) }}
{{- end }}

{{- define "app.commonLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "app.image" -}}
{{- with .Values.image }}
{{- if and (not .tag) (not .digest) }}
{{- fail "image: neither tag nor digest is set; pin one of them" }}
{{- end }}
{{- if and (eq .tag "latest") (not .digest) }}
{{- fail "image.tag: latest means another image tomorrow; name a version, or pin image.digest" }}
{{- end }}
{{- .repository }}{{ with .tag }}:{{ . }}{{ end }}{{ with .digest }}@{{ . }}{{ end }}
{{- end }}
{{- end }}

{{- define "app.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "app.fullname" .) }}
{{- else }}
{{- required "serviceAccount.name: needed when serviceAccount.create is false" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* The same for every container of the chart. */}}
{{- define "app.containerSecurity" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
privileged: false
readOnlyRootFilesystem: true
{{- end }}

{{- define "app.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .Values.user.runAsUser }}
runAsGroup: {{ .Values.user.runAsGroup }}
fsGroup: {{ .Values.user.fsGroup }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}
