{{- define "fashen.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "fashen.selector" -}}
app.kubernetes.io/name: fashen
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "fashen.labels" -}}
{{ include "fashen.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "fashen.settings" -}}
{{- $own := dict "data" "/data" "mongodb-prefix" .Values.mongodb.prefix "http" ":8080" "grpc" ":9090" "metrics" ":9100" "drain" "5s" "tls-cert" "/certificates/tls.crt" "tls-key" "/certificates/tls.key" "tls-ca" "/certificates/ca.crt" -}}
{{- toYaml (merge $own .Values.settings) -}}
{{- end -}}

{{- define "fashen.peers" -}}
{{- $name := include "fashen.name" . -}}
directory=dns:///{{ $name }}-directory:9090,counsel=dns:///{{ $name }}-counsel:9090,filing=dns:///{{ $name }}-filing:9090,competition=dns:///{{ $name }}-competition:9090
{{- end -}}
