# Says what a script is made of, by PowerShell's own parser: for each line of stdin (a script in base64) one line of JSON.
foreach ($line in $input) {
    $text = [System.Text.Encoding]::UTF8.GetString([System.Convert]::FromBase64String($line))
    $tokens = $errors = $null
    $ast = [System.Management.Automation.Language.Parser]::ParseInput($text, [ref]$tokens, [ref]$errors)
    $facts = [System.Collections.Generic.List[string]]::new()
    foreach ($each in $errors) { $facts.Add('error ' + $each.Message) }
    foreach ($token in $tokens) { $facts.Add('token ' + $token.Kind.ToString()) }
    foreach ($node in $ast.FindAll({ $true }, $true)) {
        $kind = $node.GetType().Name
        $facts.Add('node ' + $kind)
        switch ($kind) {
            'FunctionDefinitionAst' { $facts.Add('function ' + $node.Name) }
            'TypeExpressionAst' { $facts.Add('type ' + $node.TypeName.FullName) }
            'TypeConstraintAst' { $facts.Add('type ' + $node.TypeName.FullName) }
            'AttributeAst' { $facts.Add('type ' + $node.TypeName.FullName) }
            'ConstantExpressionAst' { $facts.Add('number ' + $node.Extent.Text) }
            'StringConstantExpressionAst' {
                if ($node.StringConstantType -eq 'DoubleQuoted') { $facts.Add('string ' + $node.Extent.Text) }
            }
            'ExpandableStringExpressionAst' { $facts.Add('string ' + $node.Extent.Text) }
            'CommandAst' {
                $name = $node.GetCommandName()
                if ($null -eq $name) { $facts.Add('dynamic ' + $node.Extent.Text) } else { $facts.Add('command ' + $name) }
                if ($node.InvocationOperator -eq 'Dot') { $facts.Add('dynamic ' + $node.Extent.Text) }
            }
            'HashtableAst' { foreach ($pair in $node.KeyValuePairs) { $facts.Add('key ' + $pair.Item1.Extent.Text) } }
            'PipelineAst' { if ($node.Background) { $facts.Add('node ' + 'background') } }
            'ScriptBlockAst' { if ($null -ne $node.CleanBlock) { $facts.Add('node ' + 'clean') } }
            'IndexExpressionAst' { if ($node.NullConditional) { $facts.Add('node ' + '?[]') } }
        }
        if ($kind -eq 'MemberExpressionAst' -or $kind -eq 'InvokeMemberExpressionAst') {
            if ($node.NullConditional) { $facts.Add('node ' + '?.') }
            $member = $node.Member.Extent.Text
            if ($node.Member.GetType().Name -ne 'StringConstantExpressionAst') { $facts.Add('dynamic ' + $node.Extent.Text) }
            elseif (-not $node.Static) { $facts.Add('member ' + $member) }
            elseif ($node.Expression.GetType().Name -ne 'TypeExpressionAst') { $facts.Add('dynamic ' + $node.Extent.Text) }
            else { $facts.Add('static ' + '[' + $node.Expression.TypeName.FullName + ']::' + $member) }
            if ($member -eq 'AddCommand') { $facts.Add('call ' + $node.Arguments[0].Extent.Text) }
        }
    }
    [System.Console]::Out.WriteLine((ConvertTo-Json -Compress -Depth 4 -InputObject $facts))
}
