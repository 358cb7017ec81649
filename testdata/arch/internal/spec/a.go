package spec

import _ "gopkg.in/yaml.v3"
