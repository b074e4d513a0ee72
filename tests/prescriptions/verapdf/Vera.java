import java.io.FileInputStream;
import java.util.TreeMap;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.PDFAValidator;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

/** Vera FLAVOUR FILE [FLAVOUR FILE]…: one line a file, "ok" or the clauses that failed, with how many times. */
public class Vera {
    public static void main(String[] arguments) throws Exception {
        VeraGreenfieldFoundryProvider.initialise();
        for (int i = 0; i + 1 < arguments.length; i += 2) {
            System.out.println("verdict " + judge(PDFAFlavour.byFlavourId(arguments[i]), arguments[i + 1]));
        }
    }

    private static String judge(PDFAFlavour flavour, String file) throws Exception {
        try (FileInputStream content = new FileInputStream(file);
                PDFAParser parser = Foundries.defaultInstance().createParser(content, flavour);
                PDFAValidator validator = Foundries.defaultInstance().createValidator(flavour, false)) {
            ValidationResult result = validator.validate(parser);
            return result.isCompliant() ? "ok" : failures(result);
        }
    }

    private static String failures(ValidationResult result) {
        TreeMap<String, Integer> failed = new TreeMap<>();
        for (TestAssertion test : result.getTestAssertions()) {
            if (test.getStatus() == TestAssertion.Status.FAILED) {
                String rule = test.getRuleId().getClause() + "-" + test.getRuleId().getTestNumber();
                failed.merge(rule + " " + test.getMessage().replace('\n', ' '), 1, Integer::sum);
            }
        }
        return failed.toString();
    }
}
